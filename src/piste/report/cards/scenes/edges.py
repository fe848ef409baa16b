"""Losses that hold a mask's edges to those of the image: a straight edge that is turned away from the image's."""

from collections.abc import Iterator
from math import radians

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "angle between the edges, in degrees"
TICKS = (0.0, 30.0, 45.0, 60.0, 90.0)
COST = Axes("Loss of an edge that is turned", X, TICKS)
PULL = Axes("Pull back to the image's, a degree", X, TICKS)
SIDE, SHARPNESS, STEEPNESS = 32, 1.5, 0.25
PLACES = evenly(0.0, 90.0, 31)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost and slope along the angle."""
    across = torch.arange(SIDE, dtype=torch.float64) - (SIDE - 1) / 2
    image = (STEEPNESS * across).expand(1, 1, SIDE, SIDE)

    def turned(angle: Tensor) -> Tensor:
        angle = angle * radians(1)
        logits = SHARPNESS * (across * angle.cos() + across.view(-1, 1) * angle.sin())
        result: Tensor = loss(logits.view(1, 1, SIDE, SIDE), {"image": image})
        return result

    costs, slopes = follow(turned, PLACES)
    yield Trace(COST, PLACES, costs)
    yield Trace(PULL, PLACES, slopes)
