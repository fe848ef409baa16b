"""The lines of a card: what a loss costs and how hard it pulls, for each value of each of its knobs.

They come from calling the loss and following its gradient, never from a formula of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from piste.losses import Between, LossSpec
from piste.losses.base import Loss
from piste.report.cards.facts import own_keywords
from piste.report.cards.scenes import Axes, Scene, Trace, scene_of

SEEN = 2e-3
"""A rise that the eye sees, as a share of all that is drawn."""
LINES = 6
"""One more line in a plot is a line too many."""


@dataclass(frozen=True)
class Line:
    """A trace with its name.

    Args:
        label: The knob's value; the role where there is no knob.
        trace: What is drawn.
        default: Whether the loss comes so.
    """

    label: str
    trace: Trace
    default: bool = True


@dataclass(frozen=True)
class Panel:
    """Lines over the same axes.

    Args:
        axes: What x and y are.
        lines: What is drawn.
    """

    axes: Axes
    lines: tuple[Line, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """What solid and dashed lines stand for; nothing where all speak of the same."""
        return tuple(dict.fromkeys(line.trace.role for line in self.lines if line.trace.role))

    @property
    def is_moved(self) -> bool:
        """Whether a knob moves a line by more than the eye can miss."""
        first = {line.trace.role: line.trace.y for line in self.lines if line.label == self.lines[0].label}
        any_role = next(iter(first.values()))  # what a line is held against where roles are alike for one value
        scale = max(1e-6, *(abs(y) for line in self.lines for y in line.trace.y))
        return any(
            abs(y - other) > SEEN * scale
            for line in self.lines
            for y, other in zip(line.trace.y, first.get(line.trace.role, any_role), strict=True)
        )

    @property
    def is_log(self) -> bool:
        """Whether the lines lie powers of ten apart, so that only a logarithm shows them all."""
        lowest = min(min(line.trace.y) for line in self.lines)
        tops = [max(line.trace.y) for line in self.lines]
        return lowest > 0 and max(tops) > 20 * min(tops)


@dataclass(frozen=True)
class Plot:
    """What one knob buys; without a knob, the loss as it comes.

    Args:
        knob: The keyword that differs from line to line.
        panels: Cost, pull, and whatever else the scene shows.
    """

    knob: str | None
    panels: tuple[Panel, ...]


def plots(spec: LossSpec) -> tuple[Plot, ...]:
    """A plot for each knob that moves a line; the loss as it comes if none does; nothing where no scene shows it."""
    scene = scene_of(spec)
    if scene is None:
        return ()
    found = []
    for knob, values in knobs(spec).items():
        default = spec.parameters[knob].default
        traces = {value: _shown(scene, spec, {knob: value}) for value in values}
        lines = [Line(label(value), trace, value == default) for value in traces for trace in traces[value]]
        moved = tuple(panel for panel in _panels(lines) if panel.is_moved)
        if moved:
            found.append(Plot(knob, moved))
    if found:
        return tuple(found)
    alone = _shown(scene, spec, {})
    return (Plot(None, _panels(Line(trace.role, trace) for trace in alone)),) if alone else ()


def _shown(scene: Scene, spec: LossSpec, arguments: Mapping[str, Any]) -> tuple[Trace, ...]:
    """The loss with these keywords in its scene; nothing where they do not go with each other or with the scene."""
    loss = build(spec, **arguments)
    try:
        return () if loss is None else tuple(scene(loss))
    except ValueError:
        return ()


def build(spec: LossSpec, **arguments: Any) -> Loss | None:
    """The loss with these keywords, of independent labels where it takes them; None where it refuses."""
    for more in ({"activation": "sigmoid"}, {}) if "sigmoid" in spec.activations else ({},):
        try:
            return spec.build(**more, **arguments)  # type: ignore[return-value]
        except (TypeError, ValueError):
            continue
    return None


def knobs(spec: LossSpec) -> Mapping[str, list[Any]]:
    """Each keyword that the loss has to itself, with a few values: default, search space, the contract's variants."""
    found = {}
    for name in own_keywords(spec):
        default, space = spec.parameters[name].default, spec.search.get(name)
        if isinstance(space, Between):
            values = spread(space, default)
        else:
            tried = [variant[name] for variant in spec.variants if name in variant]
            values = [default, *(space.values if space else tried)]
        values = [value for value in values if value is None or isinstance(value, bool | int | float | str)]
        found[name] = list(dict.fromkeys(values))[:LINES]
    return found


def spread(space: Between, default: Any) -> list[float]:
    """The default, both ends, and a value in the widest gap between them.

    >>> spread(Between(0.0, 5.0), 2.0)
    [0.0, 2.0, 3.5, 5.0]
    >>> spread(Between(1.0, 100.0, log=True), 1.0)
    [1.0, 10.0, 100.0]
    """
    values = {space.low, space.high} | ({default} if isinstance(default, int | float) else set())
    gaps = sorted(values)
    if space.log:
        _, low, high = max((b / a, a, b) for a, b in pairwise(gaps))
        middle = (low * high) ** 0.5
    else:
        _, low, high = max((b - a, a, b) for a, b in pairwise(gaps))
        middle = (low + high) / 2
    return sorted({*values, float(f"{middle:.2g}")})


def label(value: Any) -> str:
    """A knob's value as it is written."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _panels(lines: Iterable[Line]) -> tuple[Panel, ...]:
    """Lines by their axes, in the order in which those first come."""
    by_axes: dict[Axes, list[Line]] = {}
    for line in lines:
        by_axes.setdefault(line.trace.axes, []).append(line)
    return tuple(Panel(axes, tuple(of)) for axes, of in by_axes.items())
