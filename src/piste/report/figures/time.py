"""The time axis that every plot over time shares: epochs, with the phases marked and named."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from piste.report.canvas import style
from piste.report.history import History, Line, Numbers
from piste.report.palette import INK, PAPER, phase_colour, phase_hatch, run_colour, run_marks

MOST_POINTS = 700


def time_axis(axes: Axes, history: History, *, labelled: bool = True) -> None:
    """Epochs from 0 to the last planned one, over bands in the colours of the phases."""
    style(axes)
    axes.set_xlim(0, history.planned)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.tick_params(axis="x", labelbottom=labelled, pad=6)
    if labelled:
        axes.set_xlabel("epoch")
    mark_phases(axes, history)


def mark_phases(axes: Axes, history: History) -> None:
    """Bands behind the plot, and a ribbon of full colour on top of it."""
    for span in history.spans:
        colour = phase_colour(history.phase_names.index(span.name))
        axes.axvspan(span.start, span.end, color=colour, alpha=0.09, linewidth=0)
        axes.axvline(span.start, color=colour, alpha=0.6 if span.start else 0.0, linewidth=1)
    ribbon(axes, history, 1.0)


def ribbon(axes: Axes, history: History, bottom: float, height: float = 0.03) -> None:
    """A strip of the phases' colours above an axis; `bottom` and `height` in parts of the axis."""
    for span in history.spans:
        looks = phase_looks(history.phase_names.index(span.name))
        corner, length = (span.start, bottom), span.end - span.start
        where = axes.get_xaxis_transform()
        axes.add_patch(Rectangle(corner, length, height, transform=where, clip_on=False, **looks))


def phase_patches(names: Sequence[str]) -> list[Artist]:
    """Legend entries that name the phases."""
    return [Patch(label=name, **phase_looks(index)) for index, name in enumerate(names)]


def phase_looks(index: int) -> dict[str, Any]:
    """How areas that stand for a phase are filled."""
    return {"facecolor": phase_colour(index), "edgecolor": PAPER, "linewidth": 0, "hatch": phase_hatch(index)}


def run_looks(index: int) -> dict[str, Any]:
    """How lines that stand for a run are drawn."""
    return {"color": run_colour(index), "linestyle": run_marks(index)[0], "linewidth": 2}


def legend(figure: Figure, handles: Sequence[Artist], columns: int, *, below: bool = False) -> None:
    """One legend for the whole figure, above it or below."""
    figure.legend(
        handles=list(handles),
        loc="outside lower left" if below else "outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=12,
        labelcolor=INK,
        handlelength=1.4,
        handleheight=0.8,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0.0,
        borderpad=0.2,
    )


def draw_line(axes: Axes, line: Line, **looks: Any) -> None:
    """The pieces of a line; a piece of one value is a dot, and many values become a mean with its range."""
    for x, y in line.pieces:
        if len(x) > MOST_POINTS:
            x, y, low, high = condensed(x, y)
            axes.fill_between(x, low, high, color=looks["color"], alpha=0.18, linewidth=0)
        only_dot: dict[str, Any] = {"marker": "o", "markersize": 4} if len(x) == 1 else {}
        axes.plot(x, y, **(only_dot | looks))


def condensed(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """The means of neighbouring values, with the lowest and the highest of each group."""
    bounds = np.linspace(0, len(x), MOST_POINTS + 1).astype(int)[:-1]
    sizes = np.diff([*bounds, len(x)])
    return (
        np.add.reduceat(x, bounds) / sizes,
        np.add.reduceat(y, bounds) / sizes,
        np.fmin.reduceat(y, bounds),
        np.fmax.reduceat(y, bounds),
    )


def key(label: str, **looks: Any) -> Line2D:
    """A legend entry for a line."""
    return Line2D([], [], label=label, **looks)
