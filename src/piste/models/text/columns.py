"""The columns of an image of a line, each as a vector of features."""

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

STAGES = 4
ROWS = 2**STAGES
"""What the height of an image must be a multiple of."""


@final
class Columns(nn.Module):
    """Four convolutions, each of which halves the height; the first ones halve the width, too.

    What lies beyond the width of a line is zero throughout, as it is beyond the edge of an image, so that a line has
    the same features alone and among wider ones.

    Args:
        height: of the images in pixels, a multiple of 16.
        stride: pixels of a line that one column of features covers: 2, 4 or 8.
        channels: of the last two convolutions; the first has a quarter, the second half as many.
    """

    def __init__(self, height: int, stride: int, channels: int) -> None:
        super().__init__()
        widths = [3, channels // 4, channels // 2, channels, channels]
        across = [2 if 2**stage < stride else 1 for stage in range(STAGES)]
        self.stride = stride
        self.features = channels * (height // ROWS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=(2, step), padding=1, bias=False)
            for (before, after), step in zip(pairwise(widths), across, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])

    def forward(self, image: Tensor, widths: Tensor | None = None) -> Tensor:
        """Features of each column, [N, T, features].

        Args:
            image: float [N, 3, height, W].
            widths: of each line in pixels, [N]; None where all are as wide as the image.
        """
        x = nn.functional.pad(image, (0, -image.shape[3] % self.stride))
        covered = 1
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
            covered = min(2 * covered, self.stride)
            x = _cut(x, image.shape[3] if widths is None else widths, covered)
        return x.flatten(1, 2).transpose(1, 2)


def _cut(x: Tensor, widths: Tensor | int, covered: int) -> Tensor:
    """Features of columns of so many pixels each, set to zero beyond the width of each line."""
    ends = (widths + covered - 1) // covered
    ends = ends.to(x.device).view(-1, 1, 1, 1) if isinstance(ends, Tensor) else ends
    return x * (torch.arange(x.shape[3], device=x.device) < ends)


def steps_of(widths: Tensor, stride: int) -> Tensor:
    """How many steps lines of these widths have, [N]."""
    return (widths + stride - 1) // stride
