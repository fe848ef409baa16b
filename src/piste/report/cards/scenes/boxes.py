"""Box losses: a box that slides away from its target, a square of side 1, and one of another width over it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

SLIDE, WIDTH = "shift, in sides of the target", "width, in sides of the target"
COST = Axes("Loss of a box that slides away", SLIDE, (0.0, 0.5, 1.0, 1.5, 2.0))
PULL = Axes("Pull back to the target", SLIDE, (0.0, 0.5, 1.0, 1.5, 2.0))
GROWN = Axes("Loss of a box of another width", WIDTH, (0.25, 0.5, 1.0, 2.0, 3.0))
SHIFTS, WIDTHS = evenly(0.0, 2.0, 41), evenly(0.25, 3.0, 56)
TARGET = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost and pull along the slide, and the cost of widths at one centre."""
    costs, slopes = follow(lambda shift: loss(TARGET + torch.stack((shift, shift * 0)).repeat(2), TARGET), SHIFTS)
    yield Trace(COST, SHIFTS, costs)
    yield Trace(PULL, SHIFTS[1:], slopes[1:])  # at the target there is a corner
    grown, _ = follow(lambda width: loss(_around(width), TARGET), WIDTHS)
    yield Trace(GROWN, WIDTHS, grown)


def _around(width: Tensor) -> Tensor:
    """A box of the target's height and centre."""
    low, high = torch.zeros_like(width), torch.ones_like(width)
    return torch.stack((0.5 - width / 2, low, 0.5 + width / 2, high)).unsqueeze(0)
