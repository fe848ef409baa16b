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

    def wrong(self) -> dict[float, float]:
        """The power of the error as a share of the target's, by the middle of each bin in cycles a pixel.

        0 is where all is right, 1 where nothing is there; 0.5 cycles a pixel are changes from each pixel to the next.
        Bins that no wave of so small an image falls into are left out.
        """
        pairs = enumerate(zip(self.error.tolist(), self.signal.tolist(), strict=True))
        return {(bin_ + 0.5) * NYQUIST / BINS: error / signal for bin_, (error, signal) in pairs if signal > 0}


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
    twice = torch.full_like(columns, 2.0)  # a real image has each column's mirror, too, but for the first and 0.5
    twice[0] = 1.0

    def power(planes: Tensor) -> Tensor:
        planes = (planes - planes.mean((2, 3), keepdim=True)) * taper
        found = torch.fft.rfft2(planes, norm="ortho").abs().square().sum((0, 1)) * twice
        binned: Tensor = found.new_zeros(BINS + 1).index_add(0, place, found.flatten())
        return binned[:BINS].double().cpu()

    return Spectrum(power(images - target), power(target))
