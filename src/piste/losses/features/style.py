"""Style loss: for each layer of a network, the squared distance of the Gram matrices of both images, summed.

The Gram matrix of a layer's output phi, of C channels and H x W positions, is G = phi phi^T / (C H W).
"""

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
from piste.losses.features.perceptual import Image, normalised
from piste.losses.features.stand_ins import Seeded
from piste.losses.spec import Case, Waiver, loss


def as_printed(
    prediction: Image,
    target: Image,
    network: Callable[[Image, Sequence[str]], list[Image]],
    layers: Sequence[str],
    weights: None,
    mean: Sequence[float],
    std: Sequence[float],
) -> float:
    """One image; `network` gives the feature maps of the layers."""
    seen = [network(normalised(image, mean, std), layers) for image in (prediction, target)]
    total = 0.0
    for a, b in zip(*seen, strict=True):
        g, h = gram(a), gram(b)
        total += sum((g[c][d] - h[c][d]) ** 2 for c in range(len(g)) for d in range(len(g)))
    return total


def gram(layer: Image) -> list[list[float]]:
    """The products of each two channels, summed over positions and divided by how many numbers there are."""
    rows = [[value for row in channel for value in row] for channel in layer]
    count = len(rows) * len(rows[0])
    return [[sum(p * q for p, q in zip(a, b, strict=True)) / count for b in rows] for a in rows]


@loss(
    tasks=("restoration", "generation"),
    source="Johnson et al. 2016, arXiv:1603.08155, eq. 3 and 4",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=(
        {"network": Seeded({0: 2, 1: 6}), "mean": (0.1, 0.2, 0.3), "std": (0.5, 1.0, 2.0)},
        {"layers": ("features.0", "features.1.1")},
    ),
    waivers={
        "its_repr_is_the_call_that_made_it": "a network of one's own prints its layers, not the call that made it",
        "everything_is_finite": Waiver(
            "it grows with the fourth power of values: from 100 on its slope is beyond float16", only="torch.float16"
        ),
    },
    call="images",
    stand_in={"network": Seeded({0: 4, 1: 5}), "layers": ("features.1",)},
    cases=(
        Case(
            {"network": nn.Sequential(nn.Identity()), "layers": ("0",), "mean": (0.0, 0.0), "std": (1.0, 1.0)},
            [[[[1.0, 1.0]], [[2.0, 0.0]]]],
            [[[[2.0, 0.0]], [[0.0, 0.0]]]],
            (4 + 4 + 4 + 16) / 16,
            "products (2, 2; 2, 4) and (4, 0; 0, 0): squares of 2, 2, 2 and 4, each over 2 channels x 2 positions",
        ),
    ),
)
class Style(ImageLoss):
    """Style loss: the channels of a network's layers should go together as they do in an image of the wanted style.

    Where something is in the image does not matter, only which textures and colors come together. Add it to
    `Perceptual`, which holds the content, with a factor found by trial: it spans many orders of magnitude.

    Called as `loss(prediction, target, *, sample_weight=None)`, with images, floating, [N, C, H, W], and values as the
    network was trained on: from 0 to 1 for torchvision's. Targets may have another height and width than predictions;
    one image of a style for many is target.expand(N, -1, -1, -1). The network is copied and frozen; gradients flow to
    images. It runs in float32 under autocast too.

    Args:
        network: "vgg16" for torchvision's, the paper's, or "vgg11", "vgg13", "vgg19", whose layers have other names; or
            any network that `torch.fx` can trace.
        layers: Dotted names as in `network.named_modules()`: early ones for fine textures, late ones for coarse
            patterns. The default is the paper's: relu1_2, relu2_2, relu3_3 and relu4_3 of VGG-16.
        weights: File with the state_dict of `network` by name; None for the file in torch.hub's cache. Nothing is
            ever downloaded: where the file is missing, the error says what to fetch. "random" for weights that are
            random and always the same.
        mean: Per channel, what is subtracted from images; ImageNet's by default.
        std: Per channel, what they are then divided by, > 0.
        **common: reduction of `ImageLoss`.

    Raises:
        ValueError: An argument breaks its rule, the file is missing, or the network cannot be traced.

    Source: Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155, eq. 3 and 4. The authors' code divides by C^2 once more.

    Example:
        >>> import torch
        >>> first = torch.nn.Sequential(torch.nn.AvgPool2d(2))
        >>> loss = Style(network=first, layers=["0"], mean=(0.0,), std=(1.0,))
        >>> loss(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 8, 6))
        tensor(1.)
    """

    sizes_may_differ = True
    network: VGG | nn.Module

    def __init__(
        self,
        *,
        network: VGG | nn.Module = "vgg16",
        layers: Sequence[str] = ("features.3", "features.8", "features.15", "features.22"),
        weights: File | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        **common: Unpack[ImageKeywords],
    ) -> None:
        super().__init__(**common)
        self.layers = names_of_layers(layers)
        self.weights = file_or_none("weights", weights)
        self.mean = numbers("mean", mean, "channel")
        self.std = numbers("std", std, "channel", above=0.0)
        self._seen = Layers(network_of(network, weights), layers, mean, std)
        vars(self)["network"] = network  # as given, and not as a part, whose weights would be state

    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image by the squared distance of each layer's Gram matrices."""
        pairs = zip(self._seen(prediction), self._seen(target), strict=True)
        return torch.stack([(_gram(a) - _gram(b)).square().sum((1, 2)) for a, b in pairs]).sum(0)


def _gram(layer: Tensor) -> Tensor:
    """The products of each two channels, [N, C, C], in full precision."""
    rows = layer.flatten(2)
    with torch.autocast(rows.device.type, enabled=False):
        return rows @ rows.mT / rows[0].numel()
