"""A small network in the place of a large one whose weights are a file that may not be there."""

from collections.abc import Mapping
from itertools import pairwise
from math import gcd
from typing import final

import torch
from torch import Tensor, nn


@final
class Seeded(nn.Module):
    """Convolutions of fixed random weights, named as in torchvision's networks; two made alike are equal.

    Args:
        channels: Channels after the layer features.0, features.1, ..., of which those that are missing do nothing.
            Each of the others is a 3 x 3 convolution, as sparse as the channels allow, and a ReLU.
        stride: Of the first convolution, in pixels.

    Example:
        >>> Seeded({1: 4})(torch.zeros(1, 3, 8, 6)).shape
        torch.Size([1, 4, 8, 6])
    """

    def __init__(self, channels: Mapping[int, int], *, stride: int = 1) -> None:
        super().__init__()
        self.channels, self.stride = dict(channels), stride
        self.features = nn.Sequential(*(nn.Identity() for _ in range(max(channels) + 1)))
        dice = torch.Generator().manual_seed(5)
        for (_, before), (index, after) in pairwise([(-1, 3), *self.channels.items()]):
            groups = gcd(before, after)
            step = stride if before == 3 else 1
            convolution = nn.Conv2d(before, after, 3, step, padding=1, groups=groups, device="meta")
            weight = torch.randn(convolution.weight.shape, generator=dice) / (9 * before / groups) ** 0.5
            convolution.weight = nn.Parameter(weight)
            convolution.bias = nn.Parameter(torch.randn(after, generator=dice) / 4)
            self.features[index] = nn.Sequential(convolution, nn.ReLU(inplace=True))

    def forward(self, images: Tensor) -> Tensor:
        """Run all layers."""
        result: Tensor = self.features(images)
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seeded) and (self.channels, self.stride) == (other.channels, other.stride)

    def __hash__(self) -> int:
        return hash((tuple(self.channels.items()), self.stride))
