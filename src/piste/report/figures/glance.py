"""What runs reach, at a glance: a row a metric and a dot a run, with a ring where the best threshold would put it."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from piste.report.canvas import new_figure, style
from piste.report.figures.time import key, legend
from piste.report.palette import GRID, INK, MUTED, run_colour, run_marks
from piste.report.words import label

SHARES = (
    "iou",
    "f1",
    "precision",
    "recall",
    "average_precision",
    "object_precision",
    "object_recall",
    "object_f1",
)


def glance_figure(
    names: Sequence[str], default: Sequence[Mapping[str, float]], best: Sequence[Mapping[str, float]], width: int
) -> Figure:
    """Dots on a scale from 0 to 1; metrics that no run has are left out.

    Args:
        names: of the runs.
        default: the scores of each at the default threshold.
        best: the same at the best threshold; empty where there are none.
        width: in CSS pixels.
    """
    metrics = [m for m in SHARES if any(not math.isnan(scores.get(m, math.nan)) for scores in default)]
    row = 15 * len(names) + 16
    figure = new_figure(width, row * len(metrics) + 30 + 20 * (1 if width > 500 else len(names) + 2))
    axes = figure.subplots()
    style(axes, grid="x")
    for place, metric in enumerate(metrics):
        for run, (plain, chosen) in enumerate(zip(default, best, strict=True)):
            height = place + (run - (len(names) - 1) / 2) * 15 / row
            here, there = plain.get(metric, math.nan), chosen.get(metric, math.nan)
            colour, (_, mark) = run_colour(run), run_marks(run)
            axes.plot([here, there], [height, height], color=colour, linewidth=1.2, alpha=0.5)
            if not math.isnan(there):
                axes.plot([there], [height], mark, markersize=8, markerfacecolor="none", color=colour, clip_on=False)
            if not math.isnan(here):
                axes.plot([here], [height], mark, markersize=9, color=colour, clip_on=False)
        if place:
            axes.axhline(place - 0.5, color=GRID, linewidth=1)
    axes.set(xlim=(0, 1), ylim=(len(metrics) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_yticks(range(len(metrics)), [label(m) for m in metrics])
    axes.tick_params(axis="y", colors=INK, pad=10)
    keys = [
        key(name, color=run_colour(i), marker=run_marks(i)[1], markersize=8, linewidth=0)
        for i, name in enumerate(names)
    ]
    keys.append(key("at 0.5", color=MUTED, marker="o", markersize=8, linewidth=0))
    if any(best):
        keys.append(
            key("at the best threshold", color=MUTED, marker="o", markersize=8, markerfacecolor="none", linewidth=0)
        )
    legend(figure, keys, 6 if width > 500 else 1)
    return figure
