"""The validation metrics at the end of each epoch, of one run or of several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from piste.report.canvas import new_figure, style, title
from piste.report.figures.time import key, legend, phase_looks, phase_patches, run_looks, time_axis
from piste.report.history import History, Numbers
from piste.report.palette import INK, MUTED, run_colour, run_marks

SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "iou": ("IoU", {"color": run_colour(0), "linewidth": 2.4}),
    "precision": ("precision", {"color": INK, "linewidth": 1.4, "linestyle": "--"}),
    "recall": ("recall", {"color": INK, "linewidth": 1.4}),
    "object_f1": ("objects, F1", {"color": MUTED, "linewidth": 1.4, "linestyle": ":"}),
}


def metrics_figure(history: History, width: int) -> Figure:
    """IoU, precision, recall and the F1 of objects in one plot: they share a scale."""
    figure = new_figure(width, 270 if width > 500 else 310)
    axes = figure.subplots()
    time_axis(axes, history)
    _share(axes, [history.metric_line(metric)[1] for metric in SHOWN])
    keys = []
    for metric, (label, looks) in SHOWN.items():
        x, y = history.metric_line(metric)
        if np.isfinite(y).any():
            axes.plot(x, y, marker="o" if len(x) == 1 else None, **looks)
            keys.append(key(label, **looks))
    if history.record.best_epoch is not None:
        x, y = history.metric_line("iou")
        chosen = x == history.record.best_epoch
        axes.plot(x[chosen], y[chosen], "o", markersize=8, markerfacecolor="none", color=run_colour(0))
        keys.append(key("best epoch, kept", color=run_colour(0), marker="o", markerfacecolor="none", linewidth=0))
    legend(figure, [*keys, *phase_patches(history.phase_names)], 7 if width > 500 else 2)
    return figure


def compared_metrics_figure(histories: Sequence[History], width: int) -> Figure:
    """A metric a panel and a line a run, under a bar a run that tells its phases."""
    compared = {"iou": "IoU", "precision": "Precision", "recall": "Recall"}
    bars = 14 * len(histories) + 8
    head = (46 if width > 500 else 110) + bars
    figure = new_figure(width, head + 150 * len(compared))
    rows = figure.subplots(1 + len(compared), 1, sharex=True, height_ratios=[bars, *[150] * len(compared)])
    names = list(dict.fromkeys(name for history in histories for name in history.phase_names))
    _phase_bars(rows[0], histories, names)
    for axes, (metric, label) in zip(rows[1:], compared.items(), strict=True):
        style(axes)
        _share(axes, [history.metric_line(metric)[1] for history in histories])
        title(axes, label)
        axes.tick_params(labelbottom=axes is rows[-1])
        for index, history in enumerate(histories):
            x, y = history.metric_line(metric)
            axes.plot(x, y, marker="o" if len(x) == 1 else None, **run_looks(index))
    rows[-1].set_xlim(0, max(history.planned for history in histories))
    rows[-1].xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    rows[-1].set_xlabel("epoch")
    runs = [key(h.record.name, **run_looks(i)) for i, h in enumerate(histories)]
    legend(figure, [*runs, *phase_patches(names)], 6 if width > 500 else 1)
    return figure


def _phase_bars(axes: Axes, histories: Sequence[History], names: Sequence[str]) -> None:
    """A bar a run, in the colours of its phases, led by the run's own colour."""
    for row, history in enumerate(histories):
        for span in history.spans:
            looks = phase_looks(names.index(span.name))
            axes.barh(row, span.end - span.start, left=span.start, height=0.62, **looks)
        axes.plot([0], [row], marker=run_marks(row)[1], markersize=8, color=run_colour(row), clip_on=False)
    axes.set_ylim(len(histories) - 0.4, -0.6)
    axes.set_axis_off()


def _share(axes: Axes, values: Sequence[Numbers]) -> None:
    """A scale of shares from 0 to the first round one that all values fit below."""
    highest = max((float(np.nanmax(each, initial=0.0)) for each in values), default=1.0)
    top = next(limit for limit in (0.1, 0.2, 0.5, 1.0) if highest <= limit)
    axes.set_ylim(0, top)
    axes.set_yticks([0, top / 2, top])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
