"""LPIPS: for each of some layers, the mean over positions of sum_c w_c (a_c - b_c)^2, summed.

a and b are a layer's outputs for both images, divided at each position by their length over the channels c.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from math import sqrt
from pathlib import Path
from typing import Literal, Unpack, get_args

import torch
from torch import Tensor, nn

from piste.losses.arguments import number, one_of
from piste.losses.features.base import ImageKeywords, ImageLoss
from piste.losses.features.layers import File, Layers, file_or_none, pretrained
from piste.losses.features.stand_ins import Seeded
from piste.losses.spec import Case, loss

Image = list[list[list[float]]]
Net = Literal["alex", "vgg", "squeeze"]

EPSILON = 1e-10
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""What colors from -1 to 1 are normalised by."""
TRUNKS: dict[Net, str] = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
CHANNELS: dict[Net, dict[int, int]] = {
    "alex": {1: 64, 4: 192, 7: 384, 9: 256, 11: 256},
    "vgg": {3: 64, 8: 128, 15: 256, 22: 512, 29: 512},
    "squeeze": {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512},
}
"""Which layers of the trunk's `features` are looked at, and how many channels they have."""


def as_printed(
    prediction: Image,
    target: Image,
    net: Net,
    network: Callable[[Image, Sequence[str]], list[Image]],
    weights: None,
    black: float,
    white: float,
) -> float:
    """One image; `network` gives the feature maps of the layers."""
    seen = []
    for image in (prediction, target):
        signed = [[[2 * (v - black) / (white - black) - 1 for v in row] for row in channel] for channel in image]
        scaled = [[[(v - m) / s for v in row] for row in c] for c, m, s in zip(signed, SHIFT, SCALE, strict=True)]
        seen.append(network(scaled, _layers(net)))
    total = 0.0
    for head, a, b in zip(heads(net), *seen, strict=True):
        w, (height, width) = head.tolist(), (len(a[0]), len(a[0][0]))
        for i in range(height):
            for j in range(width):
                p, q = ([channel[i][j] for channel in layer] for layer in (a, b))
                p_length, q_length = (sqrt(sum(v**2 for v in each)) + EPSILON for each in (p, q))
                squares = [(x / p_length - y / q_length) ** 2 for x, y in zip(p, q, strict=True)]
                total += sum(each * square for each, square in zip(w, squares, strict=True)) / (height * width)
    return total


@cache
def heads(net: Net) -> tuple[Tensor, ...]:
    """What each channel of each layer weighs, as learnt by the authors, from the files of their package.

    Raises:
        ValueError: The package lpips is not installed.
    """
    package = find_spec("lpips")
    if package is None or package.origin is None:
        raise ValueError(
            f"`net` {net!r} has its heads in the package lpips, which is not installed: pip install lpips."
        )
    file = Path(package.origin).parent / "weights" / "v0.1" / f"{net}.pth"
    learnt = torch.load(file, map_location="cpu", weights_only=True)
    return tuple(learnt[f"lin{i}.model.1.weight"].flatten() for i in range(len(CHANNELS[net])))


def _layers(net: Net) -> list[str]:
    return [f"features.{index}" for index in CHANNELS[net]]


@loss(
    tasks=("restoration", "generation"),
    source="Zhang et al. 2018, arXiv:1801.03924, eq. 1",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=({"net": "vgg", "network": Seeded(CHANNELS["vgg"], stride=3), "black": -1.0, "white": 3.0},),
    waivers={
        "its_repr_is_the_call_that_made_it": "a network of one's own prints its layers, not the call that made it",
        "declared_range_is_no_wider_than_need_be": "its ceiling is that of the learnt heads, another one for each net",
    },
    call="images",
    stand_in={"network": Seeded(CHANNELS["alex"], stride=3)},
    cases=(
        Case({}, [[[[0.25]], [[0.5]], [[1.0]]]], [[[[0.25]], [[0.5]], [[1.0]]]], 0.0, "equal images are seen alike"),
        Case({"black": 0.5, "white": 2.0}, [[[[1.0]]] * 3], [[[[1.0]]] * 3], 0.0, "whatever their range"),
    ),
)
class LPIPS(ImageLoss):
    """Learned perceptual similarity: how different two images look to people, as far as a network can tell.

    The channels of some layers are weighed by heads that were fitted to human judgements. The authors advise "alex"
    to measure and "vgg" to train with, which is nearest to older perceptual losses.

    Called as `loss(prediction, target, *, sample_weight=None)`, with the shapes of `ImageLoss` and three channels. The
    heads (version 0.1) come with the package lpips; the network's weights are a file. The network is copied and
    frozen; gradients flow to images. It runs in float32 under autocast too.

    Args:
        net: "alex" (AlexNet), "vgg" (VGG-16) or "squeeze" (SqueezeNet 1.1): which network and which heads.
        network: A network in the place of torchvision's, with the same names of layers, such as one that is loaded
            already; None for torchvision's.
        weights: File with the state_dict of torchvision's network; None for the file in torch.hub's cache. Nothing is
            ever downloaded: where the file is missing, the error says what to fetch.
        black: Value of no light, any number: 0 by default; -1 for images as the authors' code takes them.
        white: Value of full light, any number but `black`.
        **common: reduction of `ImageLoss`.

    Raises:
        ValueError: An argument breaks its rule, a file or the package is missing, or the network does not fit.

    Source: Zhang, Isola, Efros, Shechtman and Wang 2018, arXiv:1801.03924, eq. 1; its squared weights are w here.

    Example:
        >>> import torch
        >>> loss = LPIPS(network=Seeded(CHANNELS["alex"]))
        >>> image = torch.rand(1, 3, 8, 8)
        >>> loss(image, image)
        tensor(0.)
    """

    network: nn.Module | None

    def __init__(
        self,
        *,
        net: Net = "alex",
        network: nn.Module | None = None,
        weights: File | None = None,
        black: float = 0.0,
        white: float = 1.0,
        **common: Unpack[ImageKeywords],
    ) -> None:
        super().__init__(**common)
        self.net = one_of("net", net, get_args(Net))
        self.weights = file_or_none("weights", weights)
        self.black = number("black", black, "the value of no light")
        self.white = number("white", white, "the value of full light")
        if black == white:
            raise ValueError(f"`black` and `white` must differ; got {black!r} for both.")
        if network is not None and not isinstance(network, nn.Module):
            raise ValueError(f"`network` must be a module, or None for torchvision's; got {network!r}.")
        if network is not None and weights is not None:
            raise ValueError(f"`weights` goes with torchvision's network; load them into `network`; got {weights!r}.")
        trunk = pretrained(TRUNKS[net], weights) if network is None else network
        self._seen = Layers(trunk, _layers(net), SHIFT, SCALE)
        for i, head in enumerate(heads(net)):
            self.register_buffer(f"_head_{i}", head.clone(), persistent=False)
        vars(self)["network"] = network  # as given, and not as a part, whose weights would be state

    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image by the weighed squared distances of each layer's directions."""
        signed = (2 * (images - self.black) / (self.white - self.black) - 1 for images in (prediction, target))
        pairs = zip(*(self._seen(images) for images in signed), strict=True)
        cost = prediction.new_zeros(len(prediction))
        for i, (a, b) in enumerate(pairs):
            head = self.get_buffer(f"_head_{i}").to(a.dtype)
            if a.shape[1] != len(head):
                raise ValueError(
                    f"`network` must give {len(head)} channels at {_layers(self.net)[i]}, as {self.net!r} has; "
                    f"got {a.shape[1]}."
                )
            cost = cost + (head * (_direction(a) - _direction(b)).square().mean((2, 3))).sum(1)
        return cost


def _direction(layer: Tensor) -> Tensor:
    """The layer with each position's channels divided by their length; where all of them are 0, so is it."""
    square = layer.square().sum(1, keepdim=True)
    dark = square == 0  # where the root has no slope
    return layer * (1 / (square.masked_fill(dark, 1.0).sqrt() + EPSILON))  # the slope of a product takes less
