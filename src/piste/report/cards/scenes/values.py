"""Losses of real numbers against the error."""

from collections.abc import Iterator

import torch

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "prediction minus target"
COST = Axes("Loss", X, (-2.0, -0.5, 0.0, 0.5, 2.0))
PULL = Axes("Pull toward the target", X, (-2.0, -0.5, 0.0, 0.5, 2.0))
PLACES = evenly(-3.0, 3.0, 61)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of one error and its slope; the pull is toward the target where it is positive."""
    target = torch.zeros(1, dtype=torch.float64)
    costs, slopes = follow(lambda error: loss(error.view(1), target), PLACES)
    yield Trace(COST, PLACES, costs)
    yield Trace(PULL, PLACES, tuple(slope if x > 0 else -slope for x, slope in zip(PLACES, slopes, strict=True)))
