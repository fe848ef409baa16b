"""Ramp: a number that changes from epoch to epoch."""

import math
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

from piste.losses.arguments import number, one_of
from piste.losses.base import Loss

Shape = Literal["linear", "cosine", "exponential", "steps"]


@final
@dataclass(frozen=True)
class Ramp:
    """A number that goes from `start` to `end` within `epochs` epochs, then stays.

    The first epoch has `start` and the last of the `epochs` has `end`. Epochs are those of the phase in which the ramp
    stands, counted from the phase's beginning: in a cycle the ramp starts again with each round.

    Args:
        start: Value in the first epoch.
        end: Value in the `epochs`-th epoch and after.
        epochs: Length in epochs; >= 2.
        shape: "linear": equal differences. "cosine": slow at both ends. "exponential": equal ratios, so both ends must
            be > 0. "steps": plateaus of equal length and equal height.
        steps: For steps, and only there: the number of plateaus, first and last included; 2 to `epochs`.

    Example:
        >>> [Ramp(0.0, 1.0, epochs=5).at(epoch) for epoch in (0, 1, 4, 9)]
        [0.0, 0.25, 1.0, 1.0]
    """

    start: float
    end: float
    epochs: int
    shape: Shape = "linear"
    steps: int | None = None

    def __post_init__(self) -> None:
        number("start", self.start, "where the ramp begins")
        number("end", self.end, "where the ramp ends")
        one_of("shape", self.shape, get_args(Shape))
        if not isinstance(self.epochs, int) or isinstance(self.epochs, bool) or self.epochs < 2:
            raise ValueError(f"`epochs` of a ramp must be a whole number >= 2, one for each end; got {self.epochs!r}.")
        if self.shape == "exponential" and min(self.start, self.end) <= 0:
            raise ValueError(f"`start` and `end` of an exponential ramp must be > 0; got {self.start} and {self.end}.")
        if self.shape != "steps" and self.steps is not None:
            raise ValueError(f'`steps` is read by shape="steps" alone; got it with shape="{self.shape}".')
        if self.shape == "steps" and not (isinstance(self.steps, int) and 2 <= self.steps <= self.epochs):
            raise ValueError(
                f'`steps` must be the number of plateaus, 2 to {self.epochs}, with shape="steps"; got {self.steps!r}.'
            )

    def at(self, epoch: int) -> float:
        """The value in an epoch of its phase, counted from 0."""
        done = min(epoch / (self.epochs - 1), 1.0)
        match self.shape:
            case "linear":
                share = done
            case "cosine":
                share = (1 - math.cos(math.pi * done)) / 2
            case "exponential":
                return float(self.start ** (1 - done) * self.end**done)
            case "steps":
                assert self.steps is not None
                share = min(epoch * self.steps // self.epochs, self.steps - 1) / (self.steps - 1)
        return self.start * (1 - share) + self.end * share

    def __repr__(self) -> str:
        shape = "" if self.shape == "linear" else f", shape={self.shape!r}"
        steps = "" if self.steps is None else f", steps={self.steps}"
        return f"Ramp({self.start!r}, {self.end!r}, epochs={self.epochs}{shape}{steps})"

    def __mul__(self, other: Any) -> Any:
        """A ramp of a number is a ramp; of a loss or a sum of losses, an objective in which it is the factor."""
        if isinstance(other, int | float):
            return Ramp(self.start * other, self.end * other, self.epochs, self.shape, self.steps)
        return Loss.combine(((self, other),))

    __rmul__ = __mul__
