"""What a scene shows: numbers over named axes, each line made by calling the loss and following its gradient."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from piste.losses.base import Loss


@dataclass(frozen=True)
class Axes:
    """Where lines are drawn.

    Args:
        title: What is seen.
        x: What changes from left to right.
        ticks: Places on x that are named, in a plot and in a table.
    """

    title: str
    x: str
    ticks: tuple[float, ...]


@dataclass(frozen=True)
class Trace:
    """One line.

    Args:
        axes: Where it is drawn.
        x: Places.
        y: Heights.
        role: What it speaks of, where a scene has several lines for one loss: "a miss", "a false alarm".
    """

    axes: Axes
    x: tuple[float, ...]
    y: tuple[float, ...]
    role: str = ""

    def at(self, x: float) -> float:
        """The height at the nearest place."""
        return min(zip(self.x, self.y, strict=True), key=lambda point: abs(point[0] - x))[1]


Scene = Callable[[Loss], Iterator[Trace]]


def follow(function: Callable[[Tensor], Tensor], places: Iterable[float]) -> tuple[tuple[float, ...], ...]:
    """Value and slope of a function of one number, at each place, in float64."""
    values, slopes = [], []
    for place in places:
        x = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        value = function(x).sum()
        (slope,) = torch.autograd.grad(value, x, allow_unused=True)
        values.append(value.item())
        slopes.append(0.0 if slope is None else slope.item())
    return tuple(values), tuple(slopes)


def evenly(low: float, high: float, count: int) -> tuple[float, ...]:
    """Places from one end to the other, both included, without the dust of rounding."""
    return tuple(round(low + (high - low) * i / (count - 1), 9) for i in range(count))
