"""From a drawing to the page: crisp in both colour schemes, readable on a phone, and a PNG beside it."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from piste.report.palette import GRID, INK, MUTED, PAPER, themed

FULL, HALF = 1120, 540  # CSS pixels of a figure that has the page's width, or half of it
PHONE = 350  # on a phone of 390
Painter = Callable[[int], Figure]


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it: drawn once for desktops, once for phones.

    Args:
        name: its stem in `figures/`.
        alt: what a reader who can't see it needs to know.
        wide: SVG for desktops.
        narrow: SVG for phones.
    """

    name: str
    alt: str
    wide: Markup
    narrow: Markup


def picture(name: str, alt: str, painter: Painter, width: int, figures: Path) -> Picture:
    """Draw a figure in both sizes, and as a PNG of twice the pixels.

    Args:
        name: stem of the PNG.
        alt: its text for those who can't see it.
        painter: draws the figure at a width in CSS pixels.
        width: how wide it is on a desktop.
        figures: where the PNG goes.
    """
    figure = painter(width)
    wide = svg(figure, f"{name}-wide", alt)
    figure.set_layout_engine("none")  # it is laid out now, and the PNG is the same drawing
    save_png(figure, figures / f"{name}.png")
    return Picture(name, alt, wide, svg(painter(PHONE), f"{name}-narrow", alt))


def new_figure(width: int, height: float) -> Figure:
    """An empty figure of so many CSS pixels; a point is a pixel in it."""
    return Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")


def style(axes: Axes, *, grid: str = "y") -> None:
    """Calm axes: no box, hairline grid, muted ticks."""
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(visible=True, axis=grid, color=GRID, linewidth=1)  # type: ignore[arg-type]
    axes.tick_params(which="both", length=0, colors=MUTED, labelsize=12)
    axes.xaxis.label.set(color=MUTED, fontsize=12)
    axes.yaxis.label.set(color=MUTED, fontsize=12)
    axes.set_facecolor("none")


def title(axes: Axes, text: str) -> None:
    """A title that stands where reading starts."""
    axes.set_title(text, loc="left", fontsize=13, fontweight="bold", color=INK, pad=10)


def save_png(figure: Figure, path: Path) -> None:
    """The figure on paper with a margin, two pixels for each CSS pixel; the figure is used up."""
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(144)
    figure.set_facecolor(PAPER)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    image = Image.fromarray(pixels).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    ImageOps.expand(image, 32, PAPER).save(path)


def svg(figure: Figure, name: str, alt: str) -> Markup:
    """An SVG element for the middle of a page."""
    file = io.StringIO()
    FigureCanvasSVG(figure)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    inside = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL)
    # an id is unique in the page, not only in its figure
    inside = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{name}-", inside)
    # the page's own fonts, and less to send
    inside = re.sub(r"<style.*?</style>|font-family: [^;\"]*(?:; )?| transform=\"rotate\(-0 [^)]*\)\"", "", inside)
    width, height = (size * 72 for size in figure.get_size_inches())
    return Markup(
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {width:g} {height:g}" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{themed(inside)}</svg>'
    )
