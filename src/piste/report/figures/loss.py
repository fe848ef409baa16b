"""The loss over time: step by step, averaged per epoch, on the training and on the validation images.

Each phase's loss has an axis of its own, and so has each term: values of different losses never share one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from piste.report.canvas import new_figure, title
from piste.report.figures.time import draw_line, key, legend, phase_patches, time_axis
from piste.report.history import History
from piste.report.palette import FAINT, INK, MUTED, run_colour

STEP = {"color": FAINT, "linewidth": 0.8}
TRAIN = {"color": INK, "linewidth": 1.6}
VAL = {"color": run_colour(0), "linewidth": 2.2}
KEY, LETTER = 42, 6  # pixels of a legend's entry, and of a letter in it
SHARES = (":", "--", "-.", (0, (1, 3)), (0, (5, 1)))


@dataclass(frozen=True)
class Panel:
    """What one axis shows.

    Args:
        title: its heading.
        path: where an event has the value: a phase's total, or a term's raw value.
        phase: the phase whose epochs it shows; None for all.
        parts: terms whose weighted values add up to the total.
        whose: where an event has them; of a discriminator they stand under its name.
    """

    title: str
    path: tuple[str, ...]
    phase: str | None
    parts: tuple[str, ...] = ()
    whose: tuple[str, ...] = ()


def panels(history: History) -> list[Panel]:
    """An axis for the loss of each phase, then one for each term that isn't all of a phase's loss.

    Where the model played against a discriminator, the same of its losses comes last.
    """
    return [*_panels(history), *_panels(history, "discriminator")]


def _panels(history: History, *whose: str) -> list[Panel]:
    player = f"{whose[0]}, " if whose else ""
    totals, shown = [], set()
    for phase in history.phase_names:
        terms = history.terms_of_phase(phase, *whose)
        if whose and not terms:
            continue
        if len(terms) == 1 and history.is_plain(terms[0], phase, *whose):
            shown.add((phase, terms[0]))
        weighted = tuple(
            term
            for term in terms
            if len(terms) > 1
            and not history.step_line(*whose, "terms", term, "weighted", phase=phase).empty
            and set(history.factors(term, phase, *whose)) != {0.0}
        )
        heading = f"{player}{phase}: loss" if len(terms) > 1 else f"{player}{phase}"
        totals.append(Panel(heading, (*whose, "loss"), phase, weighted, whose))
    raw = [
        Panel(f"{player}{term}: raw value", (*whose, "terms", term, "raw"), None)
        for term in history.term_names(*whose)
        if any(term in history.terms_of_phase(p, *whose) and (p, term) not in shown for p in history.phase_names)
    ]
    return totals + raw


def loss_figure(history: History, width: int) -> Figure:
    """All panels, one below the other, on one time axis."""
    wanted = panels(history)
    head = 46 if width > 500 else 92
    figure = new_figure(width, head + (190 if len(wanted) == 1 else 150) * len(wanted))
    rows = figure.subplots(len(wanted), 1, sharex=True, squeeze=False)[:, 0]
    parts: dict[str, Artist] = {}
    for axes, panel in zip(rows, wanted, strict=True):
        time_axis(axes, history, labelled=axes is rows[-1])
        title(axes, panel.title)
        parts |= _draw(axes, history, panel)
    keys = [
        key("training, step", **STEP),
        key("training, mean of an epoch", **TRAIN),
        key("validation", **VAL),
        *parts.values(),
        *phase_patches(history.phase_names),
    ]
    legend(figure, keys, _columns(keys, width))
    return figure


def _columns(keys: Sequence[Artist], width: int) -> int:
    """All keys in one row where they are short enough, in rows of three where not, and one a row on a phone."""
    if width <= 500:
        return 1
    return len(keys) if sum(KEY + LETTER * len(str(each.get_label())) for each in keys) <= width else 3


def _draw(axes: Axes, history: History, panel: Panel) -> dict[str, Artist]:
    draw_line(axes, history.step_line(*panel.path, phase=panel.phase), **STEP)
    draw_line(axes, history.train_line(*panel.path, phase=panel.phase), **TRAIN)
    draw_line(axes, history.val_line(*panel.path, phase=panel.phase), **VAL)
    keys: dict[str, Artist] = {}
    for term in panel.parts:
        dashes = SHARES[history.term_names(*panel.whose).index(term) % len(SHARES)]
        looks = {"color": MUTED, "linewidth": 1.4, "linestyle": dashes}
        draw_line(axes, history.train_line(*panel.whose, "terms", term, "weighted", phase=panel.phase), **looks)
        keys[", ".join((*panel.whose, term))] = key(", ".join((*panel.whose, term, "weighted share")), **looks)
    return keys
