"""A panel as an SVG that follows the page's colours and is as wide as a phone."""

from html import escape
from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from piste.report.canvas import new_figure, style, svg, title
from piste.report.cards.curves import Line, Panel, Plot
from piste.report.cards.sketch import FLAT
from piste.report.palette import RUNS, css_variable, run_colour

WIDTH, HEIGHT = 340, 230
PLACE = (0.14, 0.2, 0.84, 0.67)
DASHES = ("-", (0, (4, 2)), (0, (1, 2)))


def drawn(plot: Plot, name: str) -> str:
    """A plot as HTML: its panels side by side where there is room, and a legend below them.

    Args:
        plot: What is drawn.
        name: Begins every id in the drawing, which must be unique in the page.
    """
    panels = "".join(
        f"<div>{svg(_figure(panel), f'{name}-{index}', _alt(plot, panel))}</div>"
        for index, panel in enumerate(plot.panels)
    )
    return f'<figure class="plot">{panels}{_legend(plot)}</figure>'


def _figure(panel: Panel) -> Figure:
    figure = new_figure(WIDTH, HEIGHT)
    figure.set_layout_engine("none")  # which takes most of the time, and leaves panels of different widths
    axes = figure.add_axes(PLACE)
    style(axes)
    title(axes, panel.axes.title)
    axes.set_xlabel(panel.axes.x)
    for line in panel.lines:
        axes.plot(
            line.trace.x,
            line.trace.y,
            color=run_colour(_place(panel, line)),
            linestyle=DASHES[_dashes(panel, line)],
            linewidth=2.6 if line.default else 1.6,
        )
    if panel.is_log:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    ticks = panel.axes.ticks
    crowded = min(b - a for a, b in pairwise(ticks)) < 0.08 * (ticks[-1] - ticks[0])
    axes.xaxis.set_major_locator(FixedLocator([t for t in ticks if not crowded or t in (0.1, 0.5, 0.9)]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.01)
    low, high = axes.get_ylim()
    if high - low < FLAT:
        axes.set_ylim(low - 0.5, low + 0.5)
    return figure


def _place(panel: Panel, line: Line) -> int:
    """Which of the knob's values it is."""
    return list(dict.fromkeys(each.label for each in panel.lines)).index(line.label)


def _dashes(panel: Panel, line: Line) -> int:
    """Which dashes: those of the role; past the fourth value, whose colours come again, others."""
    return panel.roles.index(line.trace.role) if line.trace.role else _place(panel, line) // len(RUNS)


def _legend(plot: Plot) -> str:
    """Which colour is which value, and what dashes mean in which panel."""
    first = plot.panels[0]
    values = {line.label: line for line in first.lines} if plot.knob else {}
    swatches = [
        f"<span>{_swatch(css_variable(run_colour(_place(first, line))), 0 if first.roles else _dashes(first, line))}"
        f"{escape(plot.knob or '')} = {escape(label)}{' (default)' if line.default else ''}</span>"
        for label, line in values.items()
    ]
    roles = {role: index for panel in plot.panels for index, role in enumerate(panel.roles)}
    swatches += [f"<span>{_swatch('var(--ink)', index)}{escape(role)}</span>" for role, index in roles.items()]
    beside = ' class="beside"' if len(plot.panels) % 2 and len(plot.panels) > 1 else ""
    return f"<figcaption{beside}>{''.join(swatches)}</figcaption>" if swatches else ""


def _swatch(colour: str, dashes: int) -> str:
    return f'<i style="border-color: {colour}; border-style: {("solid", "dashed", "dotted")[dashes]}"></i>'


def _alt(plot: Plot, panel: Panel) -> str:
    knob = f" for several values of {plot.knob}" if plot.knob else ""
    return f"{panel.axes.title} against {panel.axes.x}{knob}"
