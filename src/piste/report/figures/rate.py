"""The learning rate over time."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from piste.report.canvas import new_figure
from piste.report.figures.time import draw_line, legend, phase_patches, time_axis
from piste.report.history import History
from piste.report.palette import run_colour


def rate_figure(history: History, width: int) -> Figure:
    """The rate of each step, on a logarithmic axis where it spans much, down to a thousandth of its peak."""
    figure = new_figure(width, 200 if width > 500 else 220)
    axes = figure.subplots()
    time_axis(axes, history)
    draw_line(axes, history.step_line("lr"), color=run_colour(0), linewidth=1.8)
    rates = [float(event["lr"]) for event in history.steps if event.get("lr")]
    if rates and max(rates) > 20 * min(rates):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(max(min(rates) * 0.8, max(rates) / 1000), max(rates) * 1.25)
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    legend(figure, phase_patches(history.phase_names), 4 if width > 500 else 2)
    return figure
