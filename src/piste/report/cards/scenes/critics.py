"""Penalties of a critic against its steepness: one whose score rises evenly from a generated image to a real one."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "slope of the critic"
TICKS = (0.0, 0.5, 1.0, 2.0, 3.0)
COST = Axes("Penalty", X, TICKS)
STEEP = Axes("Pull to a gentler slope", X, TICKS)
PLACES = evenly(0.0, 3.0, 31)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of a slope, and how it changes with it: below 0 the critic is pulled to be steeper."""
    real = torch.ones(1, 1, dtype=torch.float64)
    halfway = torch.full((1,), 0.5, dtype=torch.float64)

    def penalty(slope: Tensor) -> Tensor:
        result: Tensor = loss(lambda images: slope * images, real, 0 * real, alpha=halfway)
        return result

    costs, slopes = follow(penalty, PLACES)
    yield Trace(COST, PLACES, costs)
    yield Trace(STEEP, PLACES, slopes)
