"""The confusion matrix: which class the pixels, or the images, of each class were taken for."""

from collections.abc import Sequence
from typing import ClassVar, Self, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from pydantic import Field, model_validator

from piste.metrics.percent import percent
from piste.report.canvas import new_figure
from piste.report.figures.drawing import Drawing, Number, shortened
from piste.report.palette import INK, MUTED, run_colour
from piste.report.words import grouped

SMALLEST_TEXT = 24  # CSS pixels of a cell that a number fits into
MOST_NAMES = 40  # that fit beside the matrix


@final
class Confusion(Drawing):
    """Which class was taken for which.

    Args:
        names: the classes.
        counts: by true class (rows) and predicted class (columns).
    """

    kind: ClassVar[str] = "confusion"

    names: list[str] = Field(min_length=1)
    counts: list[list[Number]]

    @model_validator(mode="after")
    def _square(self) -> Self:
        sizes = {len(self.names), len(self.counts), *map(len, self.counts)}
        if len(sizes) > 1:
            raise ValueError(f"{len(self.names)} names for a matrix of {len(self.counts)} rows")
        return self

    def draw(self, width: int) -> Figure:
        """The matrix."""
        return confusion_figure([[round(count) for count in row] for row in self.counts], self.names, width)

    def told(self) -> str:
        """How much is right, and the most frequent mistake."""
        total, right = sum(map(sum, self.counts)), sum(row[i] for i, row in enumerate(self.counts))
        text = f"{self.title}, a confusion matrix of {len(self.names)} classes whose rows are the truth"
        wrong = [
            (count / sum(row), self.names[i], self.names[j])
            for i, row in enumerate(self.counts)
            for j, count in enumerate(row)
            if i != j and count
        ]
        if total:
            text += f": {percent(right / total)} is right"
        if wrong:
            share, true, said = max(wrong)
            text += f"; most often {true} is taken for {said}, {percent(share)} of it"
        return text


def confusion_figure(confusion: Sequence[Sequence[int]], names: Sequence[str], width: int) -> Figure:
    """Each row is what is there, each column what was said; the shades are shares of the row.

    Args:
        confusion: pixels or images by true class (rows) and predicted class (columns).
        names: the classes.
        width: in CSS pixels.
    """
    count = len(names)
    figure = new_figure(width, min(width, 110 + 72 * count))
    axes = figure.subplots()
    cell = (width - 90) / count
    for row, pixels in enumerate(confusion):
        for column, number in enumerate(pixels):
            share = number / sum(pixels) if sum(pixels) else 0.0
            gap = 0.46 if cell > SMALLEST_TEXT else 0.5
            axes.add_patch(
                FancyBboxPatch(
                    (column - gap, row - gap),
                    2 * gap,
                    2 * gap,
                    boxstyle=f"round,pad=0,rounding_size={0.05 if cell > SMALLEST_TEXT else 0}",
                    facecolor=run_colour(0),
                    alpha=0.05 + (0.45 if count < 6 else 0.55) * share,
                    linewidth=0,
                )
            )
            if count < 6:
                axes.text(
                    column, row, percent(share), color=INK, fontsize=15 if count < 4 else 11, ha="center", va="bottom"
                )
                axes.text(column, row + 0.06, grouped(number), color=INK, fontsize=10, ha="center", va="top")
            elif cell >= SMALLEST_TEXT and share >= 0.005:  # whole percent, without their sign, where there are many
                axes.text(column, row, f"{100 * share:.0f}", color=INK, fontsize=11, ha="center", va="center")
    for artist in (*axes.patches, *axes.texts):
        artist.set_in_layout(False)  # they lie inside, and measuring a hundred of them takes seconds
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), xlabel="predicted", ylabel="true")
    axes.xaxis.set_label_position("top")
    _name(axes, names, cell)
    axes.xaxis.label.set(color=MUTED, fontsize=11)
    axes.yaxis.label.set(color=MUTED, fontsize=11)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _name(axes: Axes, names: Sequence[str], cell: float) -> None:
    """The classes along both sides; upright where they would run into each other."""
    places = range(len(names))
    texts = [shortened(name, 14) if len(names) > 5 else name for name in names]
    if len(names) > MOST_NAMES:
        texts = [""] * len(names)
    upright = max(map(len, texts)) * 6 > cell
    axes.set_xticks(places, texts, rotation=90 if upright else 0)
    if len(names) > 5:
        axes.set_yticks(places, texts)
    else:
        axes.set_yticks(places, texts, rotation=90, va="center")
    axes.tick_params(length=0, labelsize=11, colors=INK, labeltop=True, labelbottom=False)
