"""How much of an image is wrong at which fineness: the power of the error at each spatial frequency."""

from typing import NamedTuple

import torch
from torch import Tensor

BINS = 24
NYQUIST = 0.5


class Spectrum(NamedTuple):
    """Power by spatial frequency, summed over images.

    Args:
        error: of the error, [BINS].
        signal: of the target, [BINS].
    """

    error: Tensor
    signal: Tensor

    def wrong(self) -> list[float]:
        """The power of the error as a share of the target's: 0 where all is right, 1 where nothing is there."""
        shares: list[float] = (self.error / self.signal).tolist()
        return shares


def frequencies() -> list[float]:
    """The middle of each bin, in cycles a pixel: 0.5 is a change from each pixel to the next."""
    return [(bin_ + 0.5) * NYQUIST / BINS for bin_ in range(BINS)]


def error_spectrum(images: Tensor, target: Tensor) -> Spectrum:
    """The spectrum of a batch of images against their targets, in all directions and colours together.

    Each image is tapered to its border (Hann), so that the border, which is no edge, has no power. Frequencies beyond
    0.5, of diagonals, are left out.

    Args:
        images: [N, C, H, W].
        target: of the same shape.
    """
    height, width = target.shape[-2:]
    taper = torch.outer(*(torch.hann_window(side, periodic=False, device=target.device) for side in (height, width)))
    rows = torch.fft.fftfreq(height, device=target.device)
    columns = torch.fft.rfftfreq(width, device=target.device)
    radius = (rows[:, None].square() + columns.square()).sqrt()
    place = (radius * BINS / NYQUIST).long().clamp(max=BINS).flatten()
    twice = torch.full_like(columns, 2.0)  # a real image has each column's mirror, too, but for the first
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0

    def power(planes: Tensor) -> Tensor:
        planes = (planes - planes.mean((2, 3), keepdim=True)) * taper
        found = torch.fft.rfft2(planes, norm="ortho").abs().square().sum((0, 1)) * twice
        return found.new_zeros(BINS + 1).index_add(0, place, found.flatten())[:BINS].double().cpu()

    return Spectrum(power(images - target), power(target))
