"""Optimizer and schedule as calls of torch's own classes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from piste.data.script.text import literal
from piste.training.optimizers import Optimizer
from piste.training.schedulers import (
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    MultiStep,
    OneCycle,
    Scheduler,
    Step,
)


def optimizer_as_code(settings: Optimizer, parameters: str) -> str:
    """The call that makes the optimizer, without settings that are as torch has them by default.

    Args:
        settings: of the recipe.
        parameters: what is optimised, as code.
    """
    kind = type(made := settings.build([nn.Parameter(torch.zeros(1))]))
    by_default = inspect.signature(kind).parameters
    given = settings.model_dump() | ({"fused": True} if made.defaults.get("fused") else {})
    own = {key: each for key, each in given.items() if key == "lr" or each != by_default[key].default}
    called = f"torch.optim.{kind.__name__}" if kind.__module__.startswith("torch.") else kind.__name__
    return f"{called}({', '.join([parameters, *(f'{key}={literal(each)}' for key, each in own.items())])})"


def schedule_as_code(settings: Scheduler, lr: float, per_epoch: int, epochs: int) -> str | None:
    """The call that makes the schedule of `optimizer`, in optimizer steps; None for a rate that stays.

    Args:
        settings: of the recipe.
        lr: the highest rate.
        per_epoch: optimizer steps in an epoch.
        epochs: of the whole training.

    Raises:
        ValueError: names a schedule that can't be written.
    """
    if type(settings) not in _WRITERS:
        raise ValueError(f"`scheduler`: a script can't have {settings.name}")
    steps = max(1, epochs * per_epoch - round(settings.warmup * per_epoch))
    call = _WRITERS[type(settings)](settings, lr, per_epoch, steps)
    return call and f"torch.optim.lr_scheduler.{call}"


def _step(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    return f"StepLR(optimizer, {max(1, round(settings.step_size * per_epoch))}, gamma={settings.gamma})"


def _multistep(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    milestones = sorted(max(1, round(epoch * per_epoch)) for epoch in settings.milestones)
    return f"MultiStepLR(optimizer, {milestones}, gamma={settings.gamma})"


def _exponential(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    return f"ExponentialLR(optimizer, gamma={settings.gamma} ** (1 / {per_epoch}))"


def _cosine(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    least = f", eta_min={lr * settings.final_fraction}" if settings.final_fraction else ""
    return f"CosineAnnealingLR(optimizer, {steps}{least})"


def _cyclic(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    half = max(1, round(settings.step_size * per_epoch))
    mode = f'mode="{settings.mode}", ' if settings.mode != "triangular" else ""
    gamma = f"gamma={settings.gamma}, " if settings.mode == "exp_range" else ""
    return f"CyclicLR(optimizer, {settings.low_fraction * lr}, {lr}, {half}, {mode}{gamma}cycle_momentum=False)"


def _one_cycle(settings: Any, lr: float, per_epoch: int, steps: int) -> str:
    steps = max(steps, 4)
    rise = min(max(settings.pct_start, 2 / steps), 1 - 1 / steps)
    own: dict[str, tuple[Any, Any]] = {"pct_start": (rise, 0.3), "div_factor": (settings.div_factor, 25.0)}
    own |= {"final_div_factor": (settings.final_div_factor, 1e4), "anneal_strategy": (settings.anneal_strategy, "cos")}
    given = "".join(f"{key}={literal(value)}, " for key, (value, usual) in own.items() if value != usual)
    return f"OneCycleLR(optimizer, {lr}, {steps}, {given}cycle_momentum=False)"


_WRITERS: Mapping[type[Scheduler], Callable[[Any, float, int, int], str | None]] = {
    Constant: lambda settings, lr, per_epoch, steps: None,
    Step: _step,
    MultiStep: _multistep,
    Exponential: _exponential,
    Cosine: _cosine,
    Cyclic: _cyclic,
    OneCycle: _one_cycle,
}
"""How schedules are written: (settings, highest rate, optimizer steps an epoch, and in all after the warm-up)."""
