"""A row measured: outputs compared, then time and memory of everyone, eager and compiled, in one process."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from . import clock, gpu
from .agree import ComputesSomethingElseError, compare, outcome
from .memory import peak
from .row import OURS, Entrant, Inputs, Row, Setting

COPY = ("copy", "")
POOL = 4
"""Draws of a setting; every round takes the next, and after the last the first."""


@dataclass
class Entry:
    """One entrant, eager or compiled.

    Args:
        forward: Milliseconds, round by round.
        both: The same of forward and backward.
        peak: Extra bytes at the worst moment.
        apart: How far value and gradient are from ours, as a share; None where it computes something else.
        problem: Why it was not measured.
    """

    forward: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    peak: int | None = None
    apart: float | None = None
    problem: str = ""


@dataclass
class Result:
    """What was measured of a row.

    Args:
        leaf_bytes: Bytes of what gets a gradient.
        floor_bytes: Bytes that must move.
        copy: Milliseconds of copying what gets a gradient, round by round.
        eager: Each entrant.
        compiled: Each that was compiled.
        waits: What makes the processor wait for the GPU; None where there was none.
        escapes: Why it can't be captured in a CUDA graph; None where there was none.
    """

    leaf_bytes: int
    floor_bytes: int
    copy: list[float]
    eager: dict[str, Entry]
    compiled: dict[str, Entry]
    waits: str | None = None
    escapes: str | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Result":
        """From what `asdict` made of it."""
        both = {way: {name: Entry(**entry) for name, entry in stored[way].items()} for way in ("eager", "compiled")}
        return cls(**{**stored, **both})

    def stored(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class Session:
    """Measures rows, one after the other.

    Args:
        device: "cpu" or "cuda".
        rounds: How often each entrant runs, but for slow ones.
        compiles: Whether anything is compiled.
    """

    def __init__(self, device: str, rounds: int, *, compiles: bool) -> None:
        self.device, self.rounds, self.compiles = device, rounds, compiles
        self._drawn: tuple[str, list[Inputs]] = ("", [])

    def measure(self, row: Row) -> Result:
        """Everything about a row."""
        with quiet():
            draws = self._draws(row.setting)
            try:
                expected = outcome(row.ours, draws[0])
            except Exception as error:
                broken = {OURS: Entry(problem=_words(error))}
                return Result(draws[0].leaf_bytes, draws[0].floor_bytes, [], broken, {})
            entrants: dict[tuple[str, str], Entrant] = {("eager", name): each for name, each in row.entrants.items()}
            entries = {place: self._judged(each, row, draws[0], expected) for place, each in entrants.items()}
            for (_, name), each in list(entrants.items()):
                if self._is_compiled(each, row, entries["eager", name]):
                    place = "compiled", name
                    entrants[place] = compiled(each)
                    entries[place] = self._judged(entrants[place], row, draws[0], expected)
            runners = {place: runner(entrants[place]) for place, entry in entries.items() if not entry.problem}
            times = clock.race({**runners, COPY: clock.copy}, draws, self.rounds)
            for place in runners:
                entry, spans = entries[place], times[place]
                entry.forward, entry.both = _short(spans.forward), _short(spans.both)
                entry.peak = peak(pass_of(entrants[place], draws[0]), self.device)
            ways = (
                {name: entry for (of, name), entry in entries.items() if of == way} for way in ("eager", "compiled")
            )
            result = Result(draws[0].leaf_bytes, draws[0].floor_bytes, _short(times[COPY].both), *ways)
            if self.device == "cuda":
                result.waits, result.escapes = gpu.waits(row.ours, draws[0]), gpu.escapes(row.ours, draws[0])
            torch.compiler.reset()
        return result

    def _draws(self, setting: Setting) -> list[Inputs]:
        """Some draws; those of the last setting are kept, since rows of a setting follow each other."""
        if self._drawn[0] != setting.name:
            dice = torch.Generator().manual_seed(0)
            self._drawn = setting.name, [setting.draw(dice).to(self.device) for _ in range(POOL)]
        return self._drawn[1]

    def _is_compiled(self, entrant: Entrant, row: Row, entry: Entry) -> bool:
        return self.compiles and row.compiled and not (entrant.eager_only or entrant.differs or entry.problem)

    def _judged(self, entrant: Entrant, row: Row, inputs: Inputs, expected: Any) -> Entry:
        """An entry that says how far it is from ours, or why it takes no part."""
        is_peer = any(entrant.name == peer.name for peer in row.peers)
        try:
            apart = compare(entrant, inputs, expected)
            if entrant.differs:
                return Entry(problem=f"is said to differ ({entrant.differs}), but does not")
            return Entry(apart=apart)
        except ComputesSomethingElseError as error:
            if entrant.differs or not (is_peer or entrant.name == OURS):
                return Entry()
            return Entry(problem=f"computes something else: {error}")
        except Exception as error:
            return Entry(problem=_words(error))


def compiled(entrant: Entrant) -> Entrant:
    """The same through torch.compile; ours in one piece."""
    return replace(entrant, call=torch.compile(entrant.call, dynamic=False, fullgraph=entrant.name == OURS))


def runner(entrant: Entrant) -> clock.Runner:
    """Converts each draw once, outside the clock."""
    converted: dict[int, tuple[Any, ...]] = {}

    def run(inputs: Inputs) -> tuple[Any, tuple[Any, ...]]:
        if id(inputs) not in converted:
            converted[id(inputs)] = entrant.convert(*inputs.aim)
        return entrant.call, converted[id(inputs)]

    return run


def pass_of(entrant: Entrant, inputs: Inputs) -> Callable[[], tuple[Tensor, ...]]:
    """A function of no arguments that does forward and backward, and returns the gradients."""
    aim = entrant.convert(*inputs.aim)

    def both() -> tuple[Tensor, ...]:
        leaves = inputs.fresh()
        value = entrant.call(*leaves, *aim)
        return torch.autograd.grad(value, leaves) if value.requires_grad else (value,)

    return both


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of other people's code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _words(error: Exception) -> str:
    return f"raises {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _short(spans: Sequence[float]) -> list[float]:
    return [float(f"{span:.4g}") for span in spans]
