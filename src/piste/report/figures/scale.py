"""The vertical scale of a metric: shares share one, anything else has its own."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from piste.report.figures.drawing import tick
from piste.report.history import Numbers
from piste.report.measures import Measures


def groups(measures: Measures, metrics: Sequence[str]) -> list[list[str]]:
    """Metrics that can stand on one axis: shares, shares that should be small, and each other number alone."""
    shares = [metric for metric in metrics if measures.of(metric).share]
    high = [metric for metric in shares if not measures.of(metric).smaller_is_better]
    low = [metric for metric in shares if measures.of(metric).smaller_is_better]
    found = [group for group in (high, low, *([metric] for metric in metrics if metric not in shares)) if group]
    return sorted(found, key=lambda group: metrics.index(group[0]))


def heading(measures: Measures, metrics: Sequence[str]) -> str:
    """What stands above an axis that isn't the only one: its metric, and which way is good where that isn't up."""
    low = measures.of(metrics[0]).smaller_is_better
    if len(metrics) > 1:
        return "Lower is better" if low else "Higher is better"
    return measures.label(metrics[0]) + (", lower is better" if low else "")


def scale(axes: Axes, measures: Measures, metrics: Sequence[str], values: Sequence[Numbers]) -> None:
    """The axis of some metrics of one group, for these values of theirs."""
    finite = np.concatenate([each[np.isfinite(each)] for each in values]) if values else np.array([])
    if measures.of(metrics[0]).share and finite.size and finite.min() >= 0 and finite.max() <= 1:
        errors = measures.of(metrics[0]).smaller_is_better  # whose 0 is what they are going for
        _percent(axes, 0.0 if errors else float(finite.min()), float(finite.max()))
        return
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _percent(axes: Axes, lowest: float, highest: float) -> None:
    """From 0 to the first round share that all values fit below; all above one half are shown nearer."""
    top = next(limit for limit in (0.1, 0.2, 0.5, 1.0) if highest <= limit)
    bottom = next(limit for limit in (0.9, 0.8, 0.5, 0.0) if lowest >= limit) if top == 1.0 else 0.0
    axes.set_ylim(bottom, top)
    axes.set_yticks([bottom, (bottom + top) / 2, top])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
