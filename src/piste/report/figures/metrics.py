"""The validation metrics at the end of each epoch, of one run or of several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from piste.report.canvas import new_figure, style, title
from piste.report.figures.scale import groups, heading, scale
from piste.report.figures.time import key, legend, phase_looks, phase_patches, run_looks, time_axis
from piste.report.history import History
from piste.report.palette import INK, MUTED, run_colour, run_marks

MOST = 5  # metrics of a run that can be kept apart
COMPARED = 4  # metrics of a comparison, each in a panel of its own
FIRST: dict[str, Any] = {"color": run_colour(0), "linewidth": 2.4}
ALONE: dict[str, Any] = {"color": INK, "linewidth": 1.6}
RING: dict[str, Any] = {
    "color": run_colour(0), "marker": "o", "markersize": 8, "markerfacecolor": "none", "linewidth": 0,
}  # fmt: skip
OTHERS: tuple[dict[str, Any], ...] = (
    {"color": MUTED, "linewidth": 1.4},
    {"color": INK, "linewidth": 1.4, "linestyle": "--"},
    {"color": INK, "linewidth": 1.4},
    {"color": MUTED, "linewidth": 1.4, "linestyle": "--"},
    {"color": MUTED, "linewidth": 1.4, "linestyle": ":"},
    {"color": INK, "linewidth": 1.4, "linestyle": "-."},
)


def metrics_figure(history: History, width: int) -> Figure:
    """The key metrics: all shares in one plot, since they have a scale in common, and each other in its own."""
    measures, best = history.record.measures, history.record.best_metric
    metrics = shown_metrics(history)
    panels = groups(measures, metrics)
    looks = {best if best in metrics else metrics[0]: FIRST} if metrics else {}
    looks |= {m: OTHERS[i % len(OTHERS)] for i, m in enumerate(m for m in metrics if m not in looks)}
    head = 46 if width > 500 else 86
    sizes = [224 if len(panel) > 1 or len(panels) == 1 else 150 for panel in panels] or [224]
    figure = new_figure(width, head + sum(sizes))
    rows = figure.subplots(len(sizes), 1, sharex=True, squeeze=False, height_ratios=sizes)[:, 0]
    keys: list[Artist] = []
    for axes in rows:
        time_axis(axes, history, labelled=axes is rows[-1])
    for axes, panel in zip(rows, panels, strict=False):
        lines = [history.metric_line(metric) for metric in panel]
        scale(axes, measures, panel, [y for _, y in lines])
        if len(panels) > 1:
            title(axes, heading(measures, panel))
        for metric, (x, y) in zip(panel, lines, strict=True):
            alone = len(panels) > 1 and len(panel) == 1
            look = ALONE if alone and metric != best else looks[metric]
            axes.plot(x, y, marker="o" if len(x) == 1 else None, zorder=2.5 if look is FIRST else 2, **look)
            keys += [] if alone else [key(measures.label(metric), **look)]
            if metric == best:
                chosen = x == history.record.best_epoch
                axes.plot(x[chosen], y[chosen], clip_on=False, **RING)
    if best in metrics:
        keys.append(key("best epoch, kept", **RING | {"markersize": 6}))
    legend(figure, [*keys, *phase_patches(history.phase_names)], 8 if width > 500 else 2)
    return figure


def shown_metrics(history: History) -> list[str]:
    """The key metrics that some epoch has a number for, and the one that chose the best epoch."""
    record = history.record
    best = [record.best_metric] if record.best_metric and record.best_metric not in record.measures.key else []
    found = [m for m in [*best, *record.measures.key] if np.isfinite(history.metric_line(m)[1]).any()]
    if len(found) > MOST and {"f1", "precision", "recall"} <= set(found) and record.best_metric != "f1":
        found.remove("f1")  # what it is made of is shown
    return found


def metrics_told(history: History, metrics: Sequence[str]) -> str:
    """What the figure of these metrics shows: where each began, where it ended."""
    measures = history.record.measures
    told = []
    for metric in metrics:
        values = [value for value in history.metric_line(metric)[1].tolist() if np.isfinite(value)]
        told.append(
            f"{measures.label(metric)} from {measures.shown(metric, values[0])} to {measures.shown(metric, values[-1])}"
        )
    return "Validation after each epoch: " + ", ".join(told)


def compared_metrics_figure(histories: Sequence[History], width: int) -> Figure:
    """A metric a panel and a line a run, under a bar a run that tells its phases."""
    measures = histories[0].record.measures
    metrics = [m for m in measures.key if any(np.isfinite(h.metric_line(m)[1]).any() for h in histories)][:COMPARED]
    bars = 14 * len(histories) + 8
    head = (46 if width > 500 else 110) + bars
    figure = new_figure(width, head + 150 * len(metrics))
    rows = figure.subplots(
        1 + len(metrics), 1, sharex=True, squeeze=False, height_ratios=[bars, *[150] * len(metrics)]
    )[:, 0]
    names = list(dict.fromkeys(name for history in histories for name in history.phase_names))
    _phase_bars(rows[0], histories, names)
    for axes, metric in zip(rows[1:], metrics, strict=True):
        style(axes)
        scale(axes, measures, [metric], [history.metric_line(metric)[1] for history in histories])
        title(axes, heading(measures, [metric]))
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
