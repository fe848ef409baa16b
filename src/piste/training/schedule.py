"""The learning rate of each step: base x warm-up x schedule x what the loss's phase asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from piste.training.schedulers import Scheduler


class Schedule:
    """Moves the rates of an optimizer's groups.

    Torch's schedulers work on the rate they find in the optimizer, so the warm-up and the phase's scale are taken
    off before each move and put back after it.

    Args:
        settings: which schedule.
        optimizer: at its base rates.
        per_epoch: optimizer steps in an epoch.
        epochs: epochs of the whole training.
    """

    def __init__(self, settings: Scheduler, optimizer: Optimizer, *, per_epoch: int, epochs: int) -> None:
        self._optimizer = optimizer
        self._warmup = round(settings.warmup * per_epoch)
        self._torch = settings.build(optimizer, per_epoch, max(1, epochs * per_epoch - self._warmup))
        self._plain = self._rates()
        self._scale = 1.0
        self._taken = 0
        self._apply()

    @property
    def lr(self) -> float:
        """The rate of the first group's next step."""
        return self._rates()[0]

    @property
    def scale(self) -> float:
        """What the loss's phase multiplies the rate by."""
        return self._scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._scale = scale
        self._apply()

    def step(self) -> None:
        """After an optimizer step: the rate of the next one."""
        self._taken += 1
        if self._taken > self._warmup and not isinstance(self._torch, ReduceLROnPlateau):
            self._move(self._torch.step)
        self._apply()

    def watch(self, value: float) -> None:
        """After an epoch: shows the schedule that follows a metric its value."""
        if isinstance(self._torch, ReduceLROnPlateau):
            plateau = self._torch
            self._move(lambda: plateau.step(value))
            self._apply()

    def forget(self) -> None:
        """The values watched so far compare no longer with those to come."""
        if isinstance(self._torch, ReduceLROnPlateau):
            self._torch.best = self._torch.mode_worse
            self._torch.num_bad_epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly, in plain types."""
        return {
            "torch": self._torch.state_dict(),
            "plain": self._plain,
            "scale": self._scale,
            "taken": self._taken,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self._torch.load_state_dict(state["torch"])
        self._plain = list(state["plain"])
        self._scale = state["scale"]
        self._taken = state["taken"]
        self._apply()

    def _move(self, step: Callable[[], None]) -> None:
        for group, lr in zip(self._optimizer.param_groups, self._plain, strict=True):
            group["lr"] = lr
        step()
        self._plain = self._rates()

    def _apply(self) -> None:
        factor = self._scale * min(1.0, (self._taken + 1) / (self._warmup + 1))
        for group, lr in zip(self._optimizer.param_groups, self._plain, strict=True):
            group["lr"] = lr * factor

    def _rates(self) -> list[float]:
        return [float(group["lr"]) for group in self._optimizer.param_groups]
