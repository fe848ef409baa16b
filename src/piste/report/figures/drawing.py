"""A figure that a task asks for in plain types, read with care: what it lacks is said, not drawn."""

import math
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Self

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from pydantic import BaseModel, BeforeValidator, model_validator

from piste.report.canvas import style
from piste.report.palette import FAINT, GRID
from piste.report.words import grouped

MOST_SERIES = 12  # that colours and dashes keep apart, and that a legend can name
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
Range = tuple[float, float]


class Drawing(BaseModel, ABC):
    """What a task wants drawn.

    Args:
        title: heads it on the page.
        lede: what to look at, a sentence or two; may be empty.
    """

    kind: ClassVar[str]

    title: str = ""
    lede: str = ""

    @abstractmethod
    def draw(self, width: int) -> Figure:
        """The figure at a width in CSS pixels."""

    @abstractmethod
    def told(self) -> str:
        """What is seen on it, for those who can't see it."""


class Series(BaseModel):
    """Points of one kind, or a line through them.

    Args:
        name: in the legend.
        x: to the right.
        y: upwards; null where there is none.
        dashed: for what the others are measured against.
    """

    name: str = ""
    x: list[Number]
    y: list[Number]
    dashed: bool = False

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.x) != len(self.y):
            raise ValueError(f"{self.name}: {len(self.x)} x and {len(self.y)} y")
        return self

    def finite(self) -> list[tuple[float, float]]:
        """The points that are there."""
        return [(x, y) for x, y in zip(self.x, self.y, strict=True) if math.isfinite(x) and math.isfinite(y)]


def calm(axes: Axes, x: str, y: str) -> None:
    """Axes for two numbers: both labelled, few ticks, a grid in both directions."""
    style(axes, grid="both")
    axes.spines["left"].set(visible=True, color=GRID)
    axes.set(xlabel=x, ylabel=y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def in_percent(axis: Any, shares: list[float]) -> None:
    """Ticks at some shares."""
    axis.set_ticks(shares)
    axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def diagonal(axes: Axes) -> None:
    """The line on which both numbers are the same."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ends = max(left, low), min(right, high)
    axes.plot(ends, ends, color=FAINT, linewidth=1.2, linestyle=(0, (2, 3)), zorder=1)
    axes.set(xlim=(left, right), ylim=(low, high))


def tick(value: float) -> str:
    """A number on an axis, its thousands set apart.

    Example:
        >>> tick(0.25), tick(12000.0).replace("\u00a0", " "), tick(-3.0)
        ('0.25', '12 000', '\u22123')
    """
    text = grouped(round(value)) if abs(value) >= 1000 and value == round(value) else f"{value:g}"
    return text.replace("-", "\u2212")


def shortened(name: str, most: int = 24) -> str:
    """A name that leaves room for others.

    Example:
        >>> shortened("a very long name of a class"), shortened("lake")
        ('a very long name of a c\u2026', 'lake')
    """
    return name if len(name) <= most else f"{name[: most - 1]}\u2026"


def listed(names: list[str], most: int = 6) -> str:
    """Names in a row, those past the first few counted.

    Example:
        >>> listed(["a", "b"]), listed(list("abcdefgh"))
        ('a, b', 'a, b, c, d, e, f and 2 more')
    """
    named = [name for name in names if name]
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more
