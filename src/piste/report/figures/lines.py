"""Curves that a task asks for, such as precision over recall or what was claimed against what was so."""

from typing import Any, ClassVar, final

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field

from piste.report.canvas import new_figure
from piste.report.figures.drawing import (
    MOST_SERIES,
    Drawing,
    Range,
    Series,
    calm,
    diagonal,
    in_percent,
    listed,
    shortened,
)
from piste.report.figures.time import key, legend, run_looks
from piste.report.palette import MUTED
from piste.report.words import number

LEGEND_COLUMNS = 2


@final
class Lines(Drawing):
    """Lines in one plane; those that are dashed are references, as many of them as whole ones are their pairs.

    Args:
        x: what runs to the right.
        y: what runs upwards.
        series: the lines.
        diagonal: whether the line of equal numbers is drawn.
        x_range: ends of the axis; one from 0 to 1 is in percent.
        y_range: likewise.
    """

    kind: ClassVar[str] = "lines"

    x: str = ""
    y: str = ""
    series: list[Series] = Field(min_length=1)
    diagonal: bool = False
    x_range: Range | None = None
    y_range: Range | None = None

    def draw(self, width: int) -> Figure:
        """The lines above their legend."""
        named = self.series[:MOST_SERIES] if len(self.series) > 1 else []
        rows = -(-len(named) // LEGEND_COLUMNS) + (len(self.series) > MOST_SERIES)
        figure = new_figure(width, round(width * 0.66) + 20 * rows)
        axes = figure.subplots()
        calm(axes, self.x, self.y)
        looks = _looks(self.series)
        for line, look in zip(self.series, looks, strict=True):
            dot: dict[str, Any] = {"marker": "o", "markersize": 4} if len(line.finite()) == 1 else {}
            leaves = not all(_holds(self.x_range, x) and _holds(self.y_range, y) for x, y in line.finite())
            axes.plot(line.x, line.y, clip_on=leaves, zorder=3, **look, **dot)
        if self.x_range:
            axes.set_xlim(self.x_range)
        if self.y_range:
            axes.set_ylim(self.y_range)
        if _all_shares(self.x_range):
            in_percent(axes.xaxis, [0, 0.25, 0.5, 0.75, 1])
        if _all_shares(self.y_range):
            in_percent(axes.yaxis, [0.25, 0.5, 0.75, 1])
        if self.diagonal:
            diagonal(axes)
        keys = [key(shortened(line.name), **look) for line, look in zip(named, looks, strict=False)]
        if len(self.series) > MOST_SERIES:
            keys.append(key(f"and {len(self.series) - MOST_SERIES} more", color=MUTED, linewidth=0))
        if keys:
            legend(figure, keys, LEGEND_COLUMNS, below=True)
        return figure

    def told(self) -> str:
        """What runs over what, and where each of the first lines begins and ends."""
        ends = [
            f"{line.name or self.y} from {number(points[0][1])} to {number(points[-1][1])}"
            for line in self.series
            if (points := line.finite())
        ]
        return f"{self.title}: {self.y} over {self.x}; {listed(ends)}"


def _holds(ends: Range | None, value: float) -> bool:
    return ends is None or ends[0] <= value <= ends[1]


def _all_shares(ends: Range | None) -> bool:
    """Whether an axis goes from 0 to 1, or to where a line on 1 is still seen."""
    return ends is not None and ends[0] == 0 and 1 <= ends[1] <= 1.06


def _looks(series: list[Series]) -> list[dict[str, Any]]:
    """Colours in turn; dashed lines are muted, or have the colours of the whole ones where they come in pairs."""
    whole = [line for line in series if not line.dashed]
    paired = len(whole) == len(series) - len(whole)
    looks: list[dict[str, Any]] = []
    counts = {True: 0, False: 0}
    for line in series:
        place = counts[line.dashed]
        counts[line.dashed] += 1
        look = run_looks(place)
        if line.dashed:
            look |= {"linestyle": (0, (4, 2)), "linewidth": 1.4}
            if not paired:
                look |= {"color": MUTED}
        elif len(whole) > MOST_SERIES:
            look |= {"linewidth": 1, "alpha": float(np.clip(20 / len(whole), 0.25, 0.8))}
        looks.append(look)
    return looks
