"""Losses of centre lines: a vessel 7 pixels wide with a gap, and one of another width."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly

ROWS, COLUMNS, WIDTH, SURE = 25, 48, 7, 20.0
GAP = Axes("Loss of a vessel with a gap", "gap in pixels, of 40", (0.0, 5.0, 10.0, 15.0, 20.0))
WIDE = Axes("Loss of a vessel of another width", "width in pixels; truth 7", (1.0, 3.0, 7.0, 11.0, 13.0))
GAPS, WIDTHS = evenly(0.0, 20.0, 21), evenly(1.0, 13.0, 7)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of what is missing along the vessel, and of what is wrong across it."""
    yield Trace(GAP, GAPS, tuple(_cost(loss, _vessel(WIDTH, round(gap))) for gap in GAPS))
    yield Trace(WIDE, WIDTHS, tuple(_cost(loss, _vessel(round(width), 0)) for width in WIDTHS))


def _vessel(width: int, gap: int) -> Tensor:
    """A straight vessel, bool [1, 1, H, W]."""
    image = torch.zeros(1, 1, ROWS, COLUMNS, dtype=torch.bool)
    top = (ROWS - width) // 2
    image[:, :, top : top + width, 4:-4] = True
    middle = (COLUMNS - gap) // 2
    image[:, :, :, middle : middle + gap] = False
    return image


def _cost(loss: Loss, predicted: Tensor) -> float:
    with torch.no_grad():
        return float(loss(SURE * (2 * predicted.double() - 1), _vessel(WIDTH, 0).long()))
