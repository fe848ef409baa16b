"""The precision-recall plane: where each epoch stood, against contours of equal F-score."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from piste.report.canvas import new_figure, style
from piste.report.figures.time import key, legend, phase_patches, run_looks
from piste.report.history import History, Numbers
from piste.report.palette import FAINT, GRID, INK, MUTED, PAPER, phase_colour, run_colour

COLUMNS = 2  # of a plane's legend


def plane_figure(history: History, width: int) -> Figure:
    """The path of one run, its epochs in the colours of their phases."""
    keys = [*phase_patches(history.phase_names), *_end_keys(history, INK)]
    figure = new_figure(width, plane_height(width, len(keys)))
    axes = figure.subplots()
    plane(axes)
    recall, precision = _path(history)
    axes.plot(recall, precision, color=FAINT, linewidth=1.2, zorder=2)
    colours = [phase_colour(history.phase_of_epoch(event)) for event in history.epochs]
    axes.scatter(recall, precision, s=24, c=colours, linewidths=0, zorder=3, clip_on=False)
    _ends(axes, history, recall, precision, INK)
    legend(figure, keys, COLUMNS, below=True)
    return figure


def has_plane(history: History) -> bool:
    """Whether some epoch has both recall and precision."""
    recall, precision = _path(history)
    return bool((np.isfinite(recall) & np.isfinite(precision)).any())


def compared_plane_figure(histories: Sequence[History], width: int) -> Figure:
    """The paths of several runs in one plane, each in its own colour."""
    runs = [key(h.record.name, **run_looks(i)) for i, h in enumerate(histories)]
    keys = [*runs, *_end_keys(histories[0], MUTED)]
    figure = new_figure(width, plane_height(width, len(keys)))
    axes = figure.subplots()
    plane(axes)
    for index, history in enumerate(histories):
        recall, precision = _path(history)
        colour = run_colour(index)
        axes.plot(recall, precision, marker=".", alpha=0.65, clip_on=False, **(run_looks(index) | {"linewidth": 1}))
        _ends(axes, history, recall, precision, colour, named=False)
    legend(figure, keys, COLUMNS, below=True)
    return figure


def plane_height(width: int, keys: int) -> int:
    """How high a figure of one plane is, so that the plane fills its width above a legend of so many keys."""
    return width - 42 + 20 * -(-keys // COLUMNS)


def plane(axes: Axes, *, labelled: bool = True) -> None:
    """Recall to the right, precision upwards, and the curves on which F1 is the same, named where there is room."""
    style(axes, grid="both")
    axes.grid(visible=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="recall", ylabel="precision")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.set_yticks([0.25, 0.5, 0.75, 1.0])
    axes.set_anchor("NW")
    axes.spines["left"].set(visible=True, color=GRID)
    for f1 in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(f1 / 2 + 1e-3, 1, 200)
        precision = f1 * recall / (2 * recall - f1)
        inside = precision <= 1
        axes.plot(recall[inside], precision[inside], color=FAINT, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        if labelled:
            axes.annotate(
                f"F1 {f1:.1f}",
                (1, f1 / (2 - f1)),
                xytext=(-3, 3),
                textcoords="offset points",
                ha="right",
                color=MUTED,
                fontsize=11,
            )


def _path(history: History) -> tuple[Numbers, Numbers]:
    return history.metric_line("recall")[1], history.metric_line("precision")[1]


def _ends(
    axes: Axes, history: History, recall: Numbers, precision: Numbers, colour: str, *, named: bool = True
) -> None:
    """Mark the first epoch, the best and the last."""
    there = np.flatnonzero(np.isfinite(recall) & np.isfinite(precision))
    if not len(there):
        return
    first, last = there[0], there[-1]
    best = [i for i in there if history.epochs[i]["epoch"] == history.record.best_epoch]
    ring: dict[str, Any] = {"linestyle": "none", "color": colour, "markeredgecolor": colour, "clip_on": False}
    axes.plot(recall[first], precision[first], marker="o", markersize=8, markerfacecolor=PAPER, zorder=5, **ring)
    axes.plot(recall[last], precision[last], marker="o", markersize=8, zorder=5, **ring)
    if best:  # an empty line that isn't clipped would count as a point in the figure's corner
        looks = ring | {"markeredgecolor": PAPER}
        axes.plot(recall[best], precision[best], marker="*", markersize=15, zorder=6, **looks)
    if named:
        for i in {int(first), int(last)}:
            axes.annotate(
                str(history.epochs[i]["epoch"]),
                (recall[i], precision[i]),
                xytext=(7, 6),
                textcoords="offset points",
                color=INK,
                fontsize=11,
            )


def _end_keys(history: History, colour: str) -> list[Artist]:
    looks: dict[str, Any] = {"color": colour, "linewidth": 0, "markeredgecolor": colour}
    keys: list[Artist] = [
        key("first epoch", marker="o", markerfacecolor=PAPER, **looks),
        key("last epoch", marker="o", **looks),
    ]
    if history.record.best_epoch is not None:
        keys.append(key("best epoch, kept", marker="*", markersize=12, **looks))
    return keys
