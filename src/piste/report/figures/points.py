"""Points that a task asks for, such as predicted values against true ones."""

import math
from typing import ClassVar, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field

from piste.report.canvas import new_figure
from piste.report.figures.drawing import MOST_SERIES, Drawing, Series, calm, diagonal, listed, shortened
from piste.report.figures.lines import LEGEND_COLUMNS
from piste.report.figures.time import key, legend
from piste.report.palette import run_colour, run_marks
from piste.report.words import decimals, grouped

MOST_POINTS = 1500  # of a series; of more, some are drawn


@final
class Points(Drawing):
    """Points in one plane.

    Args:
        x: what runs to the right.
        y: what runs upwards.
        series: the points, by kind.
        diagonal: whether the line of equal numbers is drawn.
        square: whether both axes have the same ends and the same scale.
    """

    kind: ClassVar[str] = "points"

    x: str = ""
    y: str = ""
    series: list[Series] = Field(min_length=1)
    diagonal: bool = False
    square: bool = False

    def draw(self, width: int) -> Figure:
        """The points above their legend."""
        named = self.series[:MOST_SERIES] if len(self.series) > 1 else []
        rows = -(-len(named) // LEGEND_COLUMNS)
        figure = new_figure(width, (width - 30 if self.square else round(width * 0.66)) + 20 * rows)
        axes = figure.subplots()
        calm(axes, self.x, self.y)
        for index, series in enumerate(self.series):
            points = thinned(series.finite())
            if points:
                size, alpha = _size(len(points))
                axes.scatter(
                    [x for x, _ in points],
                    [y for _, y in points],
                    s=size,
                    alpha=alpha,
                    color=run_colour(index),
                    marker=run_marks(index)[1],
                    linewidths=0,
                    zorder=3,
                )
        if self.square:
            _same_ends(axes)
        if self.diagonal:
            diagonal(axes)
        keys = [
            key(shortened(each.name), color=run_colour(i), marker=run_marks(i)[1], markersize=7, linewidth=0)
            for i, each in enumerate(named)
        ]
        if keys:
            legend(figure, keys, LEGEND_COLUMNS, below=True)
        return figure

    def told(self) -> str:
        """How many points there are, and how far the two numbers go together where they should be the same."""
        counts = [f"{each.name} {grouped(len(each.finite()))} points".strip() for each in self.series]
        text = f"{self.title}: {self.y} against {self.x}; {listed(counts)}"
        together = _correlation([point for each in self.series for point in each.finite()])
        return text if math.isnan(together) or not self.diagonal else f"{text}; correlation {decimals(together, 2)}"


def thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """As many of them as can be told apart, chosen by lot: every second one may be every second class."""
    if len(points) <= MOST_POINTS:
        return points
    chosen = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
    return [points[i] for i in np.sort(chosen)]


def _size(count: int) -> tuple[float, float]:
    """Area and opacity of a point among so many."""
    return (26.0, 0.75) if count <= 100 else (13.0, 0.55) if count <= 500 else (7.0, 0.4)


def _same_ends(axes: Axes) -> None:
    ends = (*axes.get_xlim(), *axes.get_ylim())
    low, high = min(ends), max(ends)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_anchor("NW")


def _correlation(points: list[tuple[float, float]]) -> float:
    """Pearson's; NaN where a number never changes."""
    if len(points) < 2 or min(np.ptp(np.array(points), axis=0)) == 0:
        return math.nan
    return float(np.corrcoef(np.array(points).T)[0, 1])
