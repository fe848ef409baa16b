"""What happened when: steps and epochs on one time axis, and the phases on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from piste.report.record import RunRecord
from piste.training.events import Event

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Span:
    """A stretch of training in one phase, in epochs since the start.

    Args:
        index: which phase, counted through all rounds.
        name: its name.
        start: epochs done when it began.
        end: epochs done when it ended, or so far.
    """

    index: int
    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Line:
    """Values over time, one piece for each phase: nothing connects the values of two losses."""

    pieces: list[tuple[Numbers, Numbers]]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(np.isfinite(y).any() for _, y in self.pieces)


class History:
    """The time axis of a run, whose unit is an epoch.

    Args:
        record: the run.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.steps = record.of_kind("step")
        self.epochs = record.epochs
        in_first = sum(event["epoch"] == self.steps[0]["epoch"] for event in self.steps) if self.steps else 1
        self.steps_per_epoch = int(record.start.get("steps_per_epoch") or in_first)

    @cached_property
    def done(self) -> float:
        """Epochs so far, with a fraction."""
        return max(
            self.steps[-1]["step"] / self.steps_per_epoch if self.steps else 0.0,
            self.epochs[-1]["epoch"] if self.epochs else 0.0,
        )

    @cached_property
    def planned(self) -> float:
        """Epochs on the axis: the plan while the run may go on, else what was done."""
        plan = float(self.record.start.get("epochs") or 0)
        return max(plan, self.done, 1.0) if self.record.status == "unfinished" else max(self.done, 1.0)

    @cached_property
    def spans(self) -> list[Span]:
        """The phases in the order in which they came."""
        moments = [(e["step"] / self.steps_per_epoch, int(e.get("phase") or 0), _name(e)) for e in self.steps]
        moments = moments or [(float(e["epoch"]), int(e.get("phase") or 0), _name(e)) for e in self.epochs]
        spans: list[Span] = []
        for time, index, name in moments:
            if spans and (spans[-1].index, spans[-1].name) == (index, name):
                spans[-1] = Span(index, name, spans[-1].start, time)
            else:
                spans.append(Span(index, name, spans[-1].end if spans else 0.0, time))
        return spans

    @cached_property
    def phase_names(self) -> list[str]:
        """The names of the phases, each once, in the order in which they first came."""
        return list(dict.fromkeys(span.name for span in self.spans))

    def phase_of_epoch(self, event: Event) -> int:
        """Position in `phase_names` of the phase that an epoch belonged to."""
        name = _name(event)
        return self.phase_names.index(name) if name in self.phase_names else 0

    def step_line(self, *path: str, phase: str | None = None) -> Line:
        """A value of each step, such as `("terms", "dice", "raw")`; of one phase's steps where `phase` names one."""
        return self._line(self.steps, [e["step"] / self.steps_per_epoch for e in self.steps], path, phase)

    def train_line(self, *path: str, phase: str | None = None) -> Line:
        """An average over each epoch's training steps, standing in the middle of the epoch that it averages."""
        return self._line(self.epochs, [e["epoch"] - 0.5 for e in self.epochs], ("train", *path), phase)

    def val_line(self, *path: str, phase: str | None = None) -> Line:
        """A validation value, standing at the end of the epoch, where it was measured."""
        return self._line(self.epochs, [float(e["epoch"]) for e in self.epochs], ("val", *path), phase)

    def metric_line(self, metric: str) -> tuple[Numbers, Numbers]:
        """A validation metric at the end of each epoch; it means the same in every phase, so it's one line."""
        values = [_look_up(event, ("val", "metrics", metric)) for event in self.epochs]
        times = np.array([float(event["epoch"]) for event in self.epochs])
        return times, np.array([math.nan if value is None else value for value in values])

    def term_names(self, *whose: str) -> list[str]:
        """The names of all terms, in the order in which they first came; those of `"discriminator"` where asked."""
        return list(dict.fromkeys(name for event in self.steps for name in _terms(event, whose)))

    def terms_of_phase(self, phase: str, *whose: str) -> list[str]:
        """The names of the terms that a phase has."""
        return list(dict.fromkeys(name for e in self.steps if _name(e) == phase for name in _terms(e, whose)))

    def factors(self, term: str, phase: str, *whose: str) -> list[float]:
        """What a term of a phase was multiplied by in each step."""
        terms = [_terms(event, whose) for event in self.steps if _name(event) == phase]
        return [each[term]["factor"] for each in terms if term in each]

    def is_plain(self, term: str, phase: str, *whose: str) -> bool:
        """Whether a term is all of a phase's loss: alone, and with a factor of 1 throughout."""
        return self.terms_of_phase(phase, *whose) == [term] and set(self.factors(term, phase, *whose)) == {1.0}

    def _line(self, events: Sequence[Event], times: Sequence[float], path: Sequence[str], phase: str | None) -> Line:
        pieces: list[tuple[list[float], list[float]]] = []
        last: object = None
        for event, time in zip(events, times, strict=True):
            value = _look_up(event, path) if phase in (None, _name(event)) else None
            if value is None:
                last = None
                continue
            here = (event.get("phase"), _name(event))
            if here != last:
                pieces.append(([], []))
            last = here
            pieces[-1][0].append(time)
            pieces[-1][1].append(value)
        return Line([(np.array(x), np.array(y)) for x, y in pieces])


def _name(event: Event) -> str:
    return str(event.get("phase_name") or "loss")


def _terms(event: Event, whose: Sequence[str]) -> Event:
    """The terms of an event: the model's, or those of who is named."""
    for key in whose:
        event = event.get(key, {})
    terms: Event = event.get("terms", {})
    return terms


def _look_up(event: Event, path: Sequence[str]) -> float | None:
    """A number inside an event; NaN where it is null, None where it isn't there."""
    here: object = event
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return math.nan if here is None else float(here)  # type: ignore[arg-type]
