"""The precision-recall curve of each foreground class, with the thresholds of the thresholds table on it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from piste.report.canvas import new_figure, title
from piste.report.figures.plane import COLUMNS, plane, plane_height
from piste.report.figures.time import key, legend, run_looks
from piste.report.palette import PAPER, run_colour, run_marks
from piste.report.record import RunRecord

SPLITS = {"val": ("validation", "-"), "test": ("test", (0, (4, 2)))}


def curve_figure(record: RunRecord, width: int) -> Figure:
    """A plane for each foreground class: the curve on validation, and on test where there is one."""
    marks: dict[str, Any] = {"color": run_colour(0), "linewidth": 0, "markeredgecolor": run_colour(0)}
    keys = [
        key(label, color=run_colour(0), linestyle=dashes)
        for split, (label, dashes) in SPLITS.items()
        if curves_of(record, split)
    ]
    keys += [
        key("threshold 0.5", marker="o", markerfacecolor=PAPER, **marks),
        key("best threshold", marker="D", markersize=5, **marks),
    ]
    figure, planes = _planes(list(curves_of(record, "val")), width, keys)
    for name, axes in planes.items():
        for split, (_, dashes) in SPLITS.items():
            if name in curves_of(record, split):
                _draw(axes, curves_of(record, split)[name], run_colour(0), dashes)
        _mark_thresholds(axes, record, name)
    return figure


def compared_curve_figure(records: Sequence[RunRecord], split: str, width: int) -> Figure:
    """The curves of several runs in one plane for each foreground class that any of them has."""
    curves = [curves_of(record, split) for record in records]
    keys = [key(record.name, **run_looks(index)) for index, record in enumerate(records)]
    figure, planes = _planes(list(dict.fromkeys(name for each in curves for name in each)), width, keys)
    for name, axes in planes.items():
        for index, each in enumerate(curves):
            if name in each:
                _draw(axes, each[name], run_colour(index), run_marks(index)[0])
    return figure


def curves_of(record: RunRecord, split: str) -> dict[str, Mapping[str, Any]]:
    """The curves of the classes that the truth of a split holds."""
    curves = record.evaluated(split).get("curves") or {}
    return {name: curve for name, curve in curves.items() if curve["recall"]}


def _planes(names: Sequence[str], width: int, keys: Sequence[Artist]) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a plane for each class; named where there are several."""
    columns = min(len(names), 1 if width < 400 else 2)
    rows, side = -(-len(names) // columns), width // columns
    figure = new_figure(width, plane_height(side, len(keys)) + (rows - 1) * (side - 10) + 20 * (len(names) > 1))
    spread = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in spread:
        axes.set_axis_off()
    for axes, name in zip(spread, names, strict=False):
        axes.set_axis_on()
        plane(axes, labelled=columns == 1)
        if len(names) > 1:
            title(axes, name)
    legend(figure, keys, COLUMNS, below=True)
    return figure, dict(zip(names, spread, strict=False))


def _draw(axes: Axes, curve: Mapping[str, Any], colour: str, dashes: Any) -> None:
    axes.plot(curve["recall"], curve["precision"], color=colour, linewidth=2, linestyle=dashes, clip_on=False)


def _mark_thresholds(axes: Axes, record: RunRecord, name: str) -> None:
    """The points of the validation curve at the default threshold and at the best one."""
    curve = curves_of(record, "val")[name]
    chosen = record.summary.get("thresholds", {})
    best = (chosen.get("best") or {}).get(name)
    looks: dict[str, Any] = {"color": run_colour(0), "markeredgecolor": run_colour(0), "linestyle": "none", "zorder": 4}
    for threshold, marker, fill, size in ((chosen.get("default", 0.5), "o", PAPER, 9), (best, "D", run_colour(0), 7)):
        i = min(range(len(curve["threshold"])), key=lambda i: abs(curve["threshold"][i] - (threshold or math.inf)))
        if threshold is not None and abs(curve["threshold"][i] - threshold) < 0.01:  # else nothing is predicted there
            point = curve["recall"][i], curve["precision"][i]
            axes.plot(*point, marker=marker, markerfacecolor=fill, markersize=size, **looks)
