"""How many pixels each class has, and how much each loss makes of them."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from piste.metrics.percent import percent
from piste.report.canvas import new_figure, style, title
from piste.report.palette import INK, MUTED, run_colour


def classes_figure(
    names: Sequence[str],
    pixels: Sequence[int],
    weights: Mapping[str, Sequence[float]],
    width: int,
    measure: str = "pixels",
) -> Figure:
    """A bar a class for its share of the training pixels, then for its weight in each weighted term.

    Args:
        names: the classes.
        pixels: of each class, on the training images, or whatever else is counted.
        weights: term -> a weight for each class.
        width: in CSS pixels.
        measure: what is counted.
    """
    panels = {f"Share of the training {measure}": [count / max(sum(pixels), 1) for count in pixels]}
    panels |= {f"Weight in {term}": [float(w) for w in each] for term, each in weights.items()}
    figure = new_figure(width, (44 + 30 * len(names)) * len(panels) + 10)
    rows = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, (heading, values) in zip(rows, panels.items(), strict=True):
        style(axes)
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        title(axes, heading)
        axes.barh(range(len(names)), values, height=0.6, color=run_colour(0) if axes is rows[0] else MUTED)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, max(values) * 1.25 or 1.0)
        axes.set_xticks([])
        axes.tick_params(axis="y", colors=INK)
        for row, value in enumerate(values):
            text = percent(value) if axes is rows[0] else f"{value:.3g}"
            axes.annotate(
                text, (value, row), xytext=(5, 0), textcoords="offset points", va="center", color=INK, fontsize=12
            )
    return figure
