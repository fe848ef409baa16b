"""What runs reach, at a glance: a row a metric and a dot a run, with a ring where the best threshold would put it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from piste.report.canvas import new_figure, style
from piste.report.figures.drawing import tick
from piste.report.figures.time import key, legend
from piste.report.measures import Measures
from piste.report.palette import GRID, INK, MUTED, run_colour, run_marks

Scores = Mapping[str, float]
SPREAD = 15  # CSS pixels between the dots of two runs


def glance_figure(
    names: Sequence[str],
    default: Sequence[Scores],
    best: Sequence[Scores],
    width: int,
    measures: Measures | None = None,
) -> Figure:
    """Dots on a scale from 0 to 1, and on a scale of its own for each metric that is no share.

    Args:
        names: of the runs.
        default: the scores of each.
        best: the same at the best threshold; empty where there are none.
        width: in CSS pixels.
        measures: the metrics; the key ones are shown that any run has.
    """
    measures = measures or Measures()
    metrics = [m for m in measures.key if any(not math.isnan(scores.get(m, math.nan)) for scores in default)]
    shares = [m for m in metrics if measures.of(m).share and all(0 <= v <= 1 for v in _values([m], default, best))]
    panels = [panel for panel in (shares, *([m] for m in metrics if m not in shares)) if panel]
    row = SPREAD * len(names) + 16
    heights = [row * len(panel) + 30 for panel in panels] or [row]
    figure = new_figure(width, sum(heights) + 20 * (1 if width > 500 else len(names) + 2))
    for axes, panel in zip(
        figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0], panels, strict=False
    ):
        _dots(axes, panel, default, best)
        style(axes, grid="x")
        texts = [measures.label(m) + ("\nlower is better" if measures.of(m).smaller_is_better else "") for m in panel]
        axes.set_yticks(range(len(panel)), texts)
        axes.tick_params(axis="y", colors=INK, pad=10)
        for text in axes.get_yticklabels():
            text.set_multialignment("right")
        axes.set_ylim(len(panel) - 0.5, -0.5)
        if panel is shares:
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        else:
            values = _values(panel, default, best)
            margin = 0.08 * (np.ptp(values) or abs(values[0]) or 1.0)
            axes.set_xlim(min(values) - margin, max(values) + margin)
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    legend(figure, _keys(names, best), 6 if width > 500 else 1)
    return figure


def _dots(axes: Axes, metrics: Sequence[str], default: Sequence[Scores], best: Sequence[Scores]) -> None:
    """A row a metric; in it a dot a run, one below the other."""
    row = SPREAD * len(default) + 16
    for place, metric in enumerate(metrics):
        for run, (plain, chosen) in enumerate(zip(default, best, strict=True)):
            height = place + (run - (len(default) - 1) / 2) * SPREAD / row
            here, there = plain.get(metric, math.nan), chosen.get(metric, math.nan)
            colour, (_, mark) = run_colour(run), run_marks(run)
            axes.plot([here, there], [height, height], color=colour, linewidth=1.2, alpha=0.5)
            if not math.isnan(there):
                axes.plot([there], [height], mark, markersize=8, markerfacecolor="none", color=colour, clip_on=False)
            if not math.isnan(here):
                axes.plot([here], [height], mark, markersize=9, color=colour, clip_on=False)
        if place:
            axes.axhline(place - 0.5, color=GRID, linewidth=1)


def _keys(names: Sequence[str], best: Sequence[Scores]) -> list[Artist]:
    """The runs, and where there are two thresholds what each is drawn as."""
    keys: list[Artist] = [
        key(name, color=run_colour(i), marker=run_marks(i)[1], markersize=8, linewidth=0)
        for i, name in enumerate(names)
    ]
    if any(best):
        looks = {"color": MUTED, "marker": "o", "markersize": 8, "linewidth": 0}
        keys.append(key("at 0.5", **looks))
        keys.append(key("at the best threshold", markerfacecolor="none", **looks))
    return keys


def _values(metrics: Sequence[str], *scores: Sequence[Scores]) -> list[float]:
    found = [each.get(metric, math.nan) for runs in scores for each in runs for metric in metrics]
    return [value for value in found if not math.isnan(value)]
