"""Bars that a task asks for: a number for each class, each bin or each mode."""

import math
from collections.abc import Callable
from typing import ClassVar, Literal, Self, final

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from pydantic import BaseModel, Field, model_validator

from piste.metrics.percent import percent
from piste.report.canvas import new_figure, style
from piste.report.figures.drawing import Drawing, Number, shortened
from piste.report.figures.lines import LEGEND_COLUMNS
from piste.report.figures.time import legend
from piste.report.palette import INK, run_colour
from piste.report.words import grouped, number

MOST_NAMES = 60  # rows that are drawn; the first ones
UNITS: dict[str, Callable[[float], str]] = {
    "share": percent,
    "count": lambda value: "\u2013" if math.isnan(value) else grouped(round(value)),
    "number": number,
}


class BarSeries(BaseModel):
    """A bar for each name, in one colour."""

    name: str = ""
    values: list[Number]


@final
class Bars(Drawing):
    """A row a name, a bar a series in it.

    Args:
        names: of the rows.
        series: the bars.
        unit: how their values are written.
    """

    kind: ClassVar[str] = "bars"

    names: list[str] = Field(min_length=1)
    series: list[BarSeries] = Field(min_length=1)
    unit: Literal["share", "count", "number"] = "number"

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        for each in self.series:
            if len(each.values) != len(self.names):
                raise ValueError(f"{each.name}: {len(each.values)} values for {len(self.names)} names")
        return self

    def draw(self, width: int) -> Figure:
        """The rows from top to bottom, above their legend."""
        names, told = self.names[:MOST_NAMES], UNITS[self.unit]
        tight = len(names) * len(self.series) > 30
        bar, gap = (13, 5) if tight else (18, 12)
        row = bar * len(self.series) + gap
        rows = -(-len(self.series) // LEGEND_COLUMNS) if len(self.series) > 1 else 0
        left_out = len(self.names) > MOST_NAMES
        figure = new_figure(width, row * len(names) + 20 + 20 * (rows + left_out))
        axes = figure.subplots()
        style(axes)
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        keys: list[Artist] = []
        for index, each in enumerate(self.series):
            shift = (index - (len(self.series) - 1) / 2) * bar / row
            values = each.values[: len(names)]
            places = [place + shift for place in range(len(names))]
            finite = [0.0 if not math.isfinite(value) else value for value in values]
            axes.barh(places, finite, height=(bar - 3) / row, color=run_colour(index))
            keys.append(Patch(color=run_colour(index), label=shortened(each.name)))
            for place, value, length in zip(places, values, finite, strict=True):
                axes.annotate(
                    told(value),
                    (max(length, 0.0), place),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                    color=INK,
                    fontsize=10 if tight else 12,
                ).set_in_layout(False)
        lowest, highest = self._ends()
        axes.set_xlim(min(lowest, 0.0) * 1.05, max(highest, 0.0) * 1.2 or 1.0)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks(range(len(names)), [shortened(name, 18 if width < 400 else 28) for name in names])
        axes.set_xticks([])
        axes.tick_params(axis="y", colors=INK, labelsize=10 if tight else 12)
        if left_out:
            axes.set_xlabel(f"and {len(self.names) - MOST_NAMES} more")
        if rows:
            legend(figure, keys, LEGEND_COLUMNS, below=True)
        return figure

    def told(self) -> str:
        """The highest and the lowest bar of each series."""
        parts = []
        for each in self.series:
            there = [(value, name) for value, name in zip(each.values, self.names, strict=True) if math.isfinite(value)]
            if there:
                (low, lowest), (high, highest) = min(there), max(there)
                unit = UNITS[self.unit]
                parts.append(f"{each.name} highest {highest} {unit(high)}, lowest {lowest} {unit(low)}".strip())
        return f"{self.title}: {'; '.join(parts)}"

    def _ends(self) -> tuple[float, float]:
        values = [value for each in self.series for value in each.values if math.isfinite(value)]
        return min(values, default=0.0), max(values, default=0.0)
