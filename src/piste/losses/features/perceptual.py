"""Perceptual loss: for each layer phi of a network, ||phi(prediction) - phi(target)||^2 / (C H W), summed."""

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from piste.losses.features.base import ImageKeywords, ImageLoss
from piste.losses.features.layers import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    VGG,
    File,
    Layers,
    file_or_none,
    names_of_layers,
    network_of,
    numbers,
)
from piste.losses.features.stand_ins import Seeded
from piste.losses.spec import Case, loss

Image = list[list[list[float]]]


def as_printed(
    prediction: Image,
    target: Image,
    network: Callable[[Image, Sequence[str]], list[Image]],
    layers: Sequence[str],
    layer_weights: Sequence[float] | None,
    weights: None,
    mean: Sequence[float],
    std: Sequence[float],
) -> float:
    """One image; `network` gives the feature maps of the layers."""
    seen = [network(normalised(image, mean, std), layers) for image in (prediction, target)]
    total = 0.0
    for factor, a, b in zip(layer_weights or [1.0] * len(layers), *seen, strict=True):
        squares = [(p - q) ** 2 for p, q in zip(flat(a), flat(b), strict=True)]
        total += factor * sum(squares) / len(squares)
    return total


def flat(image: Image) -> list[float]:
    """All numbers of an image or of a layer."""
    return [value for channel in image for row in channel for value in row]


def normalised(image: Image, mean: Sequence[float], std: Sequence[float]) -> Image:
    """The image as the network expects it."""
    return [[[(v - m) / s for v in row] for row in channel] for channel, m, s in zip(image, mean, std, strict=True)]


@loss(
    tasks=("restoration", "generation"),
    source="Johnson et al. 2016, arXiv:1603.08155, eq. 2",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=(
        {"network": Seeded({0: 2, 1: 6}), "mean": (0.1, 0.2, 0.3), "std": (0.5, 1.0, 2.0)},
        {"layers": ("features.0", "features.1.1"), "layer_weights": (0.25, 3.0)},
    ),
    waivers={
        "its_repr_is_the_call_that_made_it": "a network of one's own prints its layers, not the call that made it",
    },
    call="images",
    stand_in={"network": Seeded({0: 4, 1: 5}), "layers": ("features.1",)},
    cases=(
        Case(
            {
                "network": nn.Sequential(nn.Identity()),
                "layers": ("0",),
                "mean": (1.0, 0.0, 0.0),
                "std": (1.0, 1.0, 2.0),
            },
            [[[[1.0]], [[2.0]], [[3.0]]]],
            [[[[1.0]], [[4.0]], [[9.0]]]],
            13 / 3,
            "a layer that does nothing sees 0, 2, 3/2 and 0, 4, 9/2: (0 + 4 + 9) / 3",
        ),
    ),
)
class Perceptual(ImageLoss):
    """Perceptual loss: images should look alike to layers of a network that was trained on photographs.

    Early layers ask for the same edges and colors, late ones for the same content, whatever the pixels: expect more
    detail and a lower PSNR than from a loss of pixels.

    Called as `loss(prediction, target, *, sample_weight=None)`, with the shapes of `ImageLoss` and values as the
    network was trained on: from 0 to 1 for torchvision's. The network is copied and frozen; gradients flow to images.
    It runs in float32 under autocast too.

    Args:
        network: "vgg16" for torchvision's, the paper's, or "vgg11", "vgg13", "vgg19", whose layers have other names; or
            any network that `torch.fx` can trace.
        layers: Dotted names as in `network.named_modules()`. The default is relu3_3 of VGG-16, the authors' code's
            choice for content; the paper says relu2_2, which is features.8, and relu3_3.
        layer_weights: One number > 0 per layer: what it weighs in the sum; None for 1 each.
        weights: File with the state_dict of `network` by name; None for the file in torch.hub's cache. Nothing is
            ever downloaded: where the file is missing, the error says what to fetch. "random" for weights that are
            random and always the same.
        mean: Per channel, what is subtracted from images; ImageNet's by default.
        std: Per channel, what they are then divided by, > 0.
        **common: reduction of `ImageLoss`.

    Raises:
        ValueError: An argument breaks its rule, the file is missing, or the network cannot be traced.

    Source: Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155, eq. 2.

    Example:
        >>> import torch
        >>> first = torch.nn.Sequential(torch.nn.AvgPool2d(2))
        >>> loss = Perceptual(network=first, layers=["0"], mean=(0.0,), std=(1.0,))
        >>> loss(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))
        tensor(1.)
    """

    network: VGG | nn.Module

    def __init__(
        self,
        *,
        network: VGG | nn.Module = "vgg16",
        layers: Sequence[str] = ("features.15",),
        layer_weights: Sequence[float] | None = None,
        weights: File | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        **common: Unpack[ImageKeywords],
    ) -> None:
        super().__init__(**common)
        self.layers = names_of_layers(layers)
        self.layer_weights = layer_weights
        if layer_weights is not None and len(numbers("layer_weights", layer_weights, "layer", above=0.0)) != len(
            layers
        ):
            raise ValueError(
                f"`layer_weights` must be one per layer; got {len(layer_weights)} for {len(layers)} layers."
            )
        self.weights = file_or_none("weights", weights)
        self.mean = numbers("mean", mean, "channel")
        self.std = numbers("std", std, "channel", above=0.0)
        self._seen = Layers(network_of(network, weights), layers, mean, std)
        vars(self)["network"] = network  # as given, and not as a part, whose weights would be state

    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image by the mean squared error of each layer's output."""
        factors = self.layer_weights or [1.0] * len(self.layers)
        pairs = zip(factors, self._seen(prediction), self._seen(target), strict=True)
        return torch.stack([factor * (a - b).square().flatten(1).mean(1) for factor, a, b in pairs]).sum(0)
