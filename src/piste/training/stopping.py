"""The best value of a metric so far, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from typing import Any, Literal

from piste.metrics.names import smaller_is_better

Mode = Literal["max", "min"]


def mode_of(metric: str) -> Mode:
    """Whether more or less of a metric is better, as its facts say; losses are better small.

    Example:
        >>> mode_of("iou"), mode_of("object_count_error/lake"), mode_of("loss")
        ('max', 'min', 'min')
    """
    return "min" if smaller_is_better(metric) else "max"


class Best:
    """The best finite value of a metric so far.

    Args:
        metric: its name.
        mode: whether more ("max") or less ("min") is better.
        min_delta: a smaller improvement does not count.
    """

    def __init__(self, metric: str, mode: Mode, min_delta: float = 0.0) -> None:
        self.metric = metric
        self.mode = mode
        self.min_delta = min_delta
        self.value: float | None = None
        self.epoch = 0

    def update(self, value: float, epoch: int) -> bool:
        """Whether an epoch's value is the best so far; one that is not finite never is."""
        if not math.isfinite(value):
            return False
        if self.value is not None:
            gain = value - self.value if self.mode == "max" else self.value - value
            if gain <= self.min_delta:
                return False
        self.value = value
        self.epoch = epoch
        return True

    def forget(self) -> None:
        """The values so far compare no longer with those to come."""
        self.value = None

    def state_dict(self) -> dict[str, Any]:
        """The best value and its epoch."""
        return {"value": self.value, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self.value = state["value"]
        self.epoch = state["epoch"]


class EarlyStopping:
    """Says when a metric has not improved for `patience` epochs in a row.

    Args:
        metric: its name.
        mode: whether more ("max") or less ("min") is better.
        patience: epochs without improvement that are waited for.
        min_delta: a smaller improvement does not count.
    """

    def __init__(self, metric: str, mode: Mode, patience: int, min_delta: float = 0.0) -> None:
        self.best = Best(metric, mode, min_delta)
        self.patience = patience
        self.waited = 0

    def update(self, value: float, epoch: int) -> bool:
        """Whether to stop after an epoch's value; one that is not finite is no improvement."""
        self.waited = 0 if self.best.update(value, epoch) else self.waited + 1
        return self.waited >= self.patience

    def forget(self) -> None:
        """The values so far compare no longer with those to come."""
        self.best.forget()
        self.waited = 0

    def state_dict(self) -> dict[str, Any]:
        """The best value and how long it has been waited for a better one."""
        return {"best": self.best.state_dict(), "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self.best.load_state_dict(state["best"])
        self.waited = state["waited"]
