"""Time of forward and of forward and backward, all entrants in turns."""

import ctypes
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .row import Inputs

TURN, BUDGET, LEAST = 0.01, 0.6, 3
"""Seconds of a turn, in which a short call is repeated; of all turns of one entrant, after which it rests; and the
rounds that even a slow one takes part in."""


@dataclass
class Times:
    """Milliseconds of a call, round by round."""

    forward: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


Runner = Callable[[Inputs], tuple[Callable[..., Tensor], tuple[object, ...]]]
"""Gives a function, and what to call it with behind the leaves; what it does is outside the clock."""


def turn(function: Callable[..., Tensor], inputs: Inputs, aim: tuple[object, ...], calls: int) -> tuple[float, float]:
    """Milliseconds of a forward pass, and of both, as the mean of some calls."""
    mark, between = _stopwatch(inputs.leaves[0].device)
    marks = []
    _hand_back()
    for _ in range(calls):
        leaves = inputs.fresh()
        began = mark()
        value = function(*leaves, *aim)
        halfway = mark()
        if value.requires_grad:
            torch.autograd.grad(value, leaves)
        marks.append((began, halfway, mark()))
    spans = [(between(began, halfway), between(began, ended)) for began, halfway, ended in marks]
    return sum(forward for forward, _ in spans) / calls, sum(both for _, both in spans) / calls


def _hand_back() -> None:
    """Give freed memory back to the system, so that everyone finds the heap as the rest of a training step leaves it.

    Whether the C library does so by itself depends on what ran before, and moves times by a factor of two.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)


def _stopwatch(device: torch.device) -> tuple[Callable[[], object], Callable[..., float]]:
    """A function that marks a moment, and one that says how many milliseconds lie between two.

    With one thread it is the processor's own time, which other processes do not lengthen.
    """
    if device.type == "cuda":

        def mark() -> torch.cuda.Event:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            return event

        def between(began: torch.cuda.Event, ended: torch.cuda.Event) -> float:
            ended.synchronize()
            return began.elapsed_time(ended)

        return mark, between
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    return clock, lambda began, ended: 1000 * (ended - began)


def race(runners: Mapping[Any, Runner], draws: Sequence[Inputs], rounds: int) -> dict[Any, Times]:
    """Times of all, in turns that begin with another one each round, on the next draw each round.

    All are warm when they come here, and run once more to see how often a turn repeats them; of slow ones that counts.
    """
    times = {name: Times() for name in runners}
    calls: dict[Any, int] = {}
    for name, run in runners.items():
        function, aim = run(draws[0])
        forward, both = turn(function, draws[0], aim, 1)
        calls[name] = max(1, round(1000 * TURN / max(both, 1e-3)))
        if both > 1000 * BUDGET:
            times[name] = Times([forward], [both])
    names = list(runners)
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds):
            inputs = draws[i % len(draws)]
            for name in (*names[i % len(names) :], *names[: i % len(names)]):
                taken = times[name].both
                if len(taken) >= LEAST and calls[name] * sum(taken) > 1000 * BUDGET:
                    continue
                function, aim = runners[name](inputs)
                forward, both = turn(function, inputs, aim, calls[name])
                times[name].forward.append(forward)
                times[name].both.append(both)
    finally:
        gc.enable()
    return times


def copy(inputs: Inputs) -> tuple[Callable[..., Tensor], tuple[object, ...]]:
    """A runner that copies what gets a gradient: all of its bytes are read once and written once."""
    into = tuple(torch.empty_like(leaf) for leaf in inputs.leaves)

    def function(*tensors: Tensor) -> Tensor:
        with torch.no_grad():
            for a, b in zip(into, tensors, strict=False):
                a.copy_(b)
        return into[0]

    return function, ()
