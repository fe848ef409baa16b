"""The confusion matrix: which class the pixels of each class were taken for."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from piste.report.canvas import new_figure
from piste.report.palette import INK, MUTED, run_colour
from piste.report.words import grouped, percent


def confusion_figure(confusion: Sequence[Sequence[int]], names: Sequence[str], width: int) -> Figure:
    """Each row is what is there, each column what was said; the shades are shares of the row.

    Args:
        confusion: pixels by true class (rows) and predicted class (columns).
        names: the classes.
        width: in CSS pixels.
    """
    count = len(names)
    figure = new_figure(width, min(width, 110 + 72 * count))
    axes = figure.subplots()
    for row, pixels in enumerate(confusion):
        for column, number in enumerate(pixels):
            share = number / sum(pixels) if sum(pixels) else 0.0
            axes.add_patch(
                FancyBboxPatch(
                    (column - 0.46, row - 0.46),
                    0.92,
                    0.92,
                    boxstyle="round,pad=0,rounding_size=0.05",
                    facecolor=run_colour(0),
                    alpha=0.05 + 0.45 * share,
                    linewidth=0,
                )
            )
            axes.text(
                column, row, percent(share), color=INK, fontsize=15 if count < 4 else 11, ha="center", va="bottom"
            )
            if count < 6:
                axes.text(
                    column,
                    row + 0.06,
                    grouped(number),
                    color=INK,
                    fontsize=10,
                    ha="center",
                    va="top",
                )
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), xlabel="predicted", ylabel="true")
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(count), names)
    axes.set_yticks(range(count), names, rotation=90, va="center")
    axes.tick_params(length=0, labelsize=11, colors=INK, labeltop=True, labelbottom=False)
    axes.xaxis.label.set(color=MUTED, fontsize=11)
    axes.yaxis.label.set(color=MUTED, fontsize=11)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
