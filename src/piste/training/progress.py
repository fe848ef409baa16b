"""What a terminal shows of a run while it trains: bars for epochs and steps, and a line for each epoch that ended.

Where the output is no terminal, the lines alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from piste.training.events import Event

SHOWN = 4  # metrics in the line of an epoch
PAUSE = 0.1  # seconds between two looks at the bars


class ProgressBars:
    """Shows events: a sink of the event log, and a context in which the bars live.

    Args:
        console: where to; by default the standard output.

    Example:
        >>> with ProgressBars() as show:
        ...     show({"kind": "warning", "text": "the epochs were used up in phase 1 of 2"})
        warning: the epochs were used up in phase 1 of 2
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._epochs = self._bars.add_task("epoch", total=None, figures="")
        self._steps = self._bars.add_task("step", total=None, figures="")
        self._total = 0
        self._per_epoch = 1
        self._best = ""
        self._key: list[str] = []
        self._looked = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        match event["kind"]:
            case "start" | "resume":
                self._begin(event)
            case "step":
                self._step(event)
            case "epoch":
                self._epoch(event)
            case "best":
                self._best = f"{event['metric']} {event['value']:.4f} in epoch {event['epoch']}"
            case "phase":
                self._say(f"phase {event['index'] + 1}: {event['from']} -> {event['to']}, {event['reason']}")
            case "early_stop":
                self._say(f"stopped early: {event['metric']} did not improve for {event['patience']} epochs")
            case "warning" | "failure":
                self._say(f"{event['kind']}: {event['text']}")
            case "end":
                best = f"; best {self._best}" if self._best else ""
                self._say(f"{event['status'].replace('_', ' ')} after {event['epoch']} epochs{best}")

    def _begin(self, event: Event) -> None:
        self._total, self._per_epoch = event["epochs"], event["steps_per_epoch"]
        self._key = event.get("key_metrics") or []
        self._bars.update(self._epochs, total=self._total, completed=event.get("epoch", 0))
        self._bars.update(self._steps, total=self._per_epoch)

    def _step(self, event: Event) -> None:
        if (now := time.monotonic()) - self._looked < PAUSE:
            return
        self._looked = now
        figures = " ".join(f"{name} {number(term['weighted'])}" for name, term in event["terms"].items())
        self._bars.update(
            self._steps,
            completed=event["step"] - (event["epoch"] - 1) * self._per_epoch,
            figures=f"loss {number(event['loss'])} = {figures}{_rival(event)}",
        )
        self._bars.update(self._epochs, figures=f"phase {event['phase'] + 1}: {event['phase_name']}")

    def _epoch(self, event: Event) -> None:
        self._bars.update(self._epochs, completed=event["epoch"])
        metrics = event["val"]["metrics"]
        shown = [name for name in self._key if name in metrics] or [name for name in metrics if "/" not in name]
        parts = [
            f"epoch {event['epoch']:>{len(str(self._total))}}/{self._total}",
            event["phase_name"],
            f"loss {number(event['train']['loss'])}, val {number(event['val']['loss'])}{_rival(event['train'])}",
            *(f"{name} {number(metrics[name])}" for name in shown[:SHOWN]),
            f"{event['seconds']:.1f} s",
        ]
        self._say("  ".join(parts))

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rival(figures: Mapping[str, Any]) -> str:
    """What a discriminator pays, where there is one."""
    return f", discriminator {number(figures['discriminator']['loss'])}" if "discriminator" in figures else ""


def number(value: Any) -> str:
    """A figure in few characters; a dash for what is undefined."""
    return f"{value:.4f}" if isinstance(value, int | float) and value == value else "-"
