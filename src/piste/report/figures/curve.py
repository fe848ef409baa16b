"""The precision-recall curve of each foreground class, with the thresholds of the thresholds table on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from piste.report.canvas import new_figure, title
from piste.report.figures.plane import COLUMNS, plane
from piste.report.figures.time import key, legend, run_looks
from piste.report.palette import PAPER, run_colour, run_marks
from piste.report.record import RunRecord

SPLITS = {"val": ("validation", "-"), "test": ("test", (0, (4, 2)))}


def curve_figure(record: RunRecord, width: int) -> Figure:
    """A plane for each foreground class: the curve on validation, and on test where there is one."""
    names = record.foreground
    columns = min(len(names), 1 if width < 400 else 2)
    rows = -(-len(names) // columns)
    figure = new_figure(width, width // columns * rows + 28)
    planes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in planes[len(names) :]:
        spare.set_axis_off()
    for axes, name in zip(planes, names, strict=False):
        plane(axes)
        if len(names) > 1:
            title(axes, name)
        for split, (_, dashes) in SPLITS.items():
            curve = record.evaluated(split).get("curves", {}).get(name)
            if curve:
                _draw(axes, curve, run_colour(0), dashes)
                if split == "val":
                    _mark_thresholds(axes, record, name, curve)
    here = [
        key(label, color=run_colour(0), linestyle=dashes)
        for split, (label, dashes) in SPLITS.items()
        if record.evaluated(split).get("curves")
    ]
    marks = {"color": run_colour(0), "linewidth": 0, "markeredgecolor": run_colour(0)}
    here += [
        key("threshold 0.5", marker="o", markerfacecolor=PAPER, **marks),
        key("best threshold", marker="D", markersize=5, **marks),
    ]
    legend(figure, here, COLUMNS, below=True)
    return figure


def compared_curve_figure(records: Sequence[RunRecord], split: str, width: int) -> Figure:
    """The curves of several runs in one plane for each foreground class that they share."""
    names = [name for name in records[0].foreground if all(name in record.foreground for record in records)]
    columns = min(len(names), 1 if width < 400 else 2)
    rows = -(-len(names) // columns)
    figure = new_figure(width, width // columns * rows - 12 + 20 * -(-len(records) // COLUMNS))
    planes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in planes[len(names) :]:
        spare.set_axis_off()
    for axes, name in zip(planes, names, strict=False):
        plane(axes)
        if len(names) > 1:
            title(axes, name)
        for index, record in enumerate(records):
            curve = record.evaluated(split).get("curves", {}).get(name)
            if curve:
                _draw(axes, curve, run_colour(index), run_marks(index)[0])
    keys = [key(record.name, **run_looks(index)) for index, record in enumerate(records)]
    legend(figure, keys, COLUMNS, below=True)
    return figure


def _draw(axes: Axes, curve: Mapping[str, Any], colour: str, dashes: Any) -> None:
    axes.plot(curve["recall"], curve["precision"], color=colour, linewidth=2, linestyle=dashes, clip_on=False)


def _mark_thresholds(axes: Axes, record: RunRecord, name: str, curve: Mapping[str, Any]) -> None:
    """The points of the curve at the default threshold and at the best one."""
    chosen = record.summary.get("thresholds", {})
    best = (chosen.get("best") or {}).get(name)
    looks: dict[str, Any] = {"color": run_colour(0), "markeredgecolor": run_colour(0), "linestyle": "none", "zorder": 4}
    for threshold, marker, fill, size in ((chosen.get("default", 0.5), "o", PAPER, 9), (best, "D", run_colour(0), 7)):
        if threshold is None or not curve["threshold"]:
            continue
        i = min(range(len(curve["threshold"])), key=lambda i: abs(curve["threshold"][i] - threshold))
        if abs(curve["threshold"][i] - threshold) < 0.01:
            axes.plot(
                curve["recall"][i], curve["precision"][i], marker=marker, markerfacecolor=fill, markersize=size, **looks
            )
