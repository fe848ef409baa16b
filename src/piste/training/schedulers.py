"""Learning-rate schedules by name; torch's schedulers do the work, one move an optimizer step.

Lengths are in epochs, counted from the end of the warm-up, and need not be whole. Rates are fractions of the
optimizer's `lr`, which is the highest that a schedule reaches.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field
from torch.optim import Optimizer, lr_scheduler

from piste.training.named import Named, OneOf
from piste.training.stopping import Mode, mode_of

Epochs = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0, le=1)]


class Scheduler(Named):
    """A schedule's settings; over the first `warmup` epochs the rate rises in equal steps from near zero."""

    warmup: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @abstractmethod
    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer.

        Args:
            optimizer: its rates are what the schedule moves.
            per_epoch: optimizer steps in an epoch.
            steps: optimizer steps from the end of the warm-up to the end of the training.
        """


class Constant(Scheduler):
    """The rate stays."""

    name = "constant"

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        return lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)


class Step(Scheduler):
    """Every `step_size` epochs the rate is multiplied by `gamma`."""

    name = "step"
    step_size: Epochs = 10.0
    gamma: Factor = 0.1

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        return lr_scheduler.StepLR(optimizer, max(1, round(self.step_size * per_epoch)), self.gamma)


class MultiStep(Scheduler):
    """At each of the `milestones` (epochs) the rate is multiplied by `gamma`."""

    name = "multistep"
    milestones: Annotated[list[Epochs], Field(min_length=1)]
    gamma: Factor = 0.1

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        milestones = sorted(max(1, round(epoch * per_epoch)) for epoch in self.milestones)
        return lr_scheduler.MultiStepLR(optimizer, milestones, self.gamma)


class Exponential(Scheduler):
    """The rate is multiplied by `gamma` over each epoch, a little at each step."""

    name = "exponential"
    gamma: Factor = 0.95

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        return lr_scheduler.ExponentialLR(optimizer, self.gamma ** (1 / per_epoch))


class Cosine(Scheduler):
    """Half a cosine from the full rate down to `final_fraction` of it at the end of the training."""

    name = "cosine"
    final_fraction: Fraction = 0.0

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        return lr_scheduler.CosineAnnealingLR(optimizer, steps, _lr(optimizer) * self.final_fraction)


class Cyclic(Scheduler):
    """Up from `low_fraction` of the rate and down again, `step_size` epochs each way (Smith 2017)."""

    name = "cyclic"
    step_size: Epochs = 2.0
    low_fraction: Factor = 0.1
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: Factor = 1.0

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        high = _lr(optimizer)
        half = max(1, round(self.step_size * per_epoch))
        return lr_scheduler.CyclicLR(
            optimizer, self.low_fraction * high, high, half, mode=self.mode, gamma=self.gamma, cycle_momentum=False
        )


class Plateau(Scheduler):
    """Multiplies the rate by `factor` after `patience` epochs in which a validation metric did not improve.

    `metric` is one of the task's, `loss` for the validation loss, or null for the metric that chooses the best
    epoch. An improvement smaller than `threshold` (absolute) does not count. When the loss itself is watched, a
    change of phase starts the comparison afresh. A null `mode` is `min` for losses and errors and `max` for
    everything else.
    """

    name = "plateau"
    metric: str | None = None
    mode: Mode | None = None
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    patience: Annotated[int, Field(ge=0)] = 10
    threshold: Annotated[float, Field(ge=0)] = 1e-4
    cooldown: Annotated[int, Field(ge=0)] = 0
    min_fraction: Fraction = 0.0

    def watching(self, metric: str, mode: Mode) -> Plateau:
        """The same with metric and mode settled: by default those that choose the best epoch."""
        if self.metric is not None:
            metric, mode = self.metric, mode_of(self.metric)
        return self.model_copy(update={"metric": metric, "mode": self.mode or mode})

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        return lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode=self.mode or "max",
            factor=self.factor,
            patience=self.patience,
            threshold=self.threshold,
            threshold_mode="abs",
            cooldown=self.cooldown,
            min_lr=self.min_fraction * _lr(optimizer),
        )


class OneCycle(Scheduler):
    """Up to the full rate over `pct_start` of the training, then far down (Smith & Topin 2018)."""

    name = "one_cycle"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.3
    div_factor: Annotated[float, Field(ge=1)] = 25.0
    final_div_factor: Annotated[float, Field(ge=1)] = 1e4
    anneal_strategy: Literal["cos", "linear"] = "cos"

    def build(self, optimizer: Optimizer, per_epoch: int, steps: int) -> lr_scheduler.LRScheduler:
        """The schedule of an optimizer."""
        steps = max(steps, 4)
        return lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=_lr(optimizer),
            total_steps=steps,
            pct_start=min(max(self.pct_start, 2 / steps), 1 - 1 / steps),  # torch divides by the length of each leg
            div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
            anneal_strategy=self.anneal_strategy,
            cycle_momentum=False,
        )


SCHEDULERS = OneOf("scheduler", Constant, Step, MultiStep, Exponential, Cosine, Cyclic, Plateau, OneCycle)


def _lr(optimizer: Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])
