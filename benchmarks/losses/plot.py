"""Ours, torch's own and everyone else on one page, a panel a family, on axes of ratios."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from piste.report.canvas import new_figure, style, title
from piste.report.palette import FAINT, INK, MUTED, PAPER, RUNS

from .verdict import FORMULA, Figures

OURS, PEER = RUNS["run-1"][0], RUNS["run-2"][0]
COLUMNS = (("labels", "values", "sequences", "adversarial"), ("regions", "boundaries", "boxes", "features"))
LINE, HEAD, WIDTH, TOP = 19, 66, 1120, 70
"""Pixels of a row, of what stands above and below the rows of a panel, of the page, and of what stands on top of it."""


def draw(families: Mapping[str, Sequence[Figures]], file: Path) -> None:
    """Draw the main rows of each family, and save them as SVG."""
    panels = {family: [each for each in of if each.row.main and each.native()] for family, of in families.items()}
    columns = [[family for family in column if panels.get(family)] for column in COLUMNS]
    if not any(columns):
        return
    tall = [sum(HEAD + LINE * len(panels[family]) for family in column) for column in columns]
    height = max(tall) + TOP
    figure = new_figure(WIDTH, height)
    figure.patch.set_facecolor(PAPER)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - TOP / height))
    columns_ = figure.add_gridspec(1, len(columns))
    for column, families_, used in zip(columns_, columns, tall, strict=True):
        left = (max(tall) - used) / LINE
        ratios = [*(len(panels[family]) for family in families_), *([left] if left else [])]
        for place, family in zip(column.subgridspec(len(ratios), 1, height_ratios=ratios), families_, strict=False):
            panel(figure.add_subplot(place), family, panels[family])
    heading = "Forward and backward, as a multiple of torch's own loss of that kind"
    figure.text(0.01, 1 - 20 / height, heading, fontsize=16, fontweight="bold", color=INK, va="center")
    place = {"loc": "center left", "bbox_to_anchor": (0.005, 1 - 46 / height), "ncols": 4, "frameon": False}
    figure.legend(handles=list(keys()), fontsize=12, labelcolor=MUTED, **place)
    with matplotlib.rc_context({"svg.hashsalt": "piste", "svg.fonttype": "path"}):
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})


def keys() -> Iterator[Line2D]:
    """What the marks mean."""
    yield Line2D([], [], color=INK, linewidth=1.5, label="torch's own")
    yield _mark("o", OURS, OURS, 8, "Piste")
    yield _mark("o", PAPER, PEER, 7, "the fastest peer")
    yield _mark("|", FAINT, FAINT, 8, "other peers, formulas")


def panel(axes: Axes, family: str, figures: Sequence[Figures]) -> None:
    """One family: a line a row, from the fastest peer to ours."""
    style(axes, grid="x")
    title(axes, family.capitalize())
    axes.set_xscale("log")
    axes.axvline(1, color=INK, linewidth=1.5, zorder=1)
    seen = [0.8, 2.5]
    for y, each in enumerate(figures):
        mine, native = each.native(), each.time(each.row.native.name)
        assert mine is not None
        assert native is not None
        peers = {name: time / native for name, time in each.peers().items() if name != each.row.native.name}
        known = [ratio for name, ratio in peers.items() if name != FORMULA]
        if known:
            ahead = OURS if mine <= known[0] else PEER
            axes.plot([mine, known[0]], [y, y], color=ahead, alpha=0.25, linewidth=4, solid_capstyle="butt", zorder=1.5)
            axes.plot(known[0], y, "o", color=PAPER, markeredgecolor=PEER, markeredgewidth=2, markersize=7, zorder=3)
        others = [*known[1:], *(ratio for name, ratio in peers.items() if name == FORMULA)]
        axes.plot(others, [y] * len(others), "|", color=FAINT, markersize=8, markeredgewidth=1.5, zorder=2)
        axes.plot(mine, y, "o", color=OURS, markersize=8, zorder=4)
        seen += [mine, *peers.values()]
    axes.set_yticks(range(len(figures)), names(figures), fontsize=11, color=INK)
    axes.set_ylim(len(figures) - 0.4, -0.6)
    low, high = min(seen) / 1.2, max(seen) * 1.2
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 200 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def names(figures: Sequence[Figures]) -> list[str]:
    """What stands beside the axis: the losses, and on what where a loss is there twice."""
    short = [words(each.row.what) for each in figures]
    return [
        f"{name}, {each.row.setting.name}" if short.count(name) > 1 else name
        for name, each in zip(short, figures, strict=True)
    ]


def words(what: str) -> str:
    """A loss without the punctuation of its call."""
    name = what.removesuffix("()")
    return name.replace("activation='sigmoid'", "sigmoid").replace("kind=", "").replace("'", "")


def _mark(shape: str, face: str, edge: str, size: float, label: str) -> Line2D:
    marks = {"marker": shape, "markerfacecolor": face, "markeredgecolor": edge, "markersize": size}
    return Line2D([], [], linestyle="none", markeredgewidth=2, label=label, **marks)
