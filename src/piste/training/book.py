"""The book of one pass over a split: what each batch and each step measured, checked, logged and averaged.

On the CPU a step is settled before the optimizer moves, so that a value that is not finite stops the run with the
weights that made it. On a GPU the numbers of some steps travel together, so that no step waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from piste.tasks.base import Batch
from piste.training.events import EventLog
from piste.training.finite import require_finite_gradients, require_finite_loss
from piste.training.gradients import Norms
from piste.training.measure import Average, Measured, bring
from piste.training.state import TrainingState

AT_ONCE = {"cpu": 1, "cuda": 10, "mps": 10}  # how many steps, or batches of a validation, are settled together
OVERFLOWS = 20  # with fp16: how many steps in a row may overflow while the scale of the loss is sought


@dataclass(frozen=True)
class _Step:
    batches: Sequence[Measured]
    norms: Norms
    number: int
    lr: float


class Book:
    """Keeps the book of one pass over a split.

    Args:
        state: what is trained.
        log: gets an event a step.

    Attributes:
        average: over all batches that are settled.
        lr: the rate of the last step.
    """

    def __init__(self, state: TrainingState, log: EventLog) -> None:
        self.average = Average()
        self.lr = state.schedule.lr
        self._state = state
        self._log = log
        self._epoch = state.epoch + 1
        self._at_once = AT_ONCE[state.accelerator.device.type]
        self._overflows = 0
        self._batches: list[Measured] = []
        self._steps: list[_Step] = []

    def batch(self, loss: Tensor, output: Batch, names: Sequence[str], again: Callable[[], Any]) -> None:
        """Enters a batch.

        Args:
            loss: what the objective has just given.
            output: what it gave it for.
            names: the batch's samples.
            again: repeats the forward pass.
        """
        terms = self._state.objective.terms
        forward = again if self._at_once == 1 else None  # else the weights will have moved on
        self._batches.append(Measured(loss.detach(), terms, output.counted, names, forward))

    def step(self, norms: Norms) -> None:
        """Enters the step that the batches since the last one make."""
        self.lr = self._state.schedule.lr
        self._steps.append(_Step(self._batches, norms, self._state.step, self.lr))
        self._batches = []
        if len(self._steps) >= self._at_once:
            self.settle_steps()

    def settle_steps(self) -> None:
        """Checks and logs the steps entered since the last time.

        Raises:
            FloatingPointError: a loss or a gradient is not finite.
        """
        steps, self._steps = self._steps, []
        if not steps:
            return
        batches = [batch for step in steps for batch in step.batches]
        measures, totals = bring(batches, [step.norms.total for step in steps])
        rest = iter(measures)
        phase = self._state.objective.phase
        for step, total in zip(steps, totals, strict=True):
            where = f"epoch {self._epoch}, step {step.number}"
            mean = Average()
            for batch in step.batches:
                measure = next(rest)
                require_finite_loss(measure, batch, self._state.model, where)
                mean.add(measure)
                self.average.add(measure)
            self._overflows = 0 if math.isfinite(total) else self._overflows + 1
            if self._state.accelerator.scaler is None or self._overflows > OVERFLOWS:
                names = [name for batch in step.batches for name in batch.names]
                require_finite_gradients(total, step.norms, names, where)
            self._log.write(
                "step",
                epoch=self._epoch,
                step=step.number,
                **mean.fields(),
                lr=step.lr,
                phase=phase.index,
                phase_name=phase.name,
                counted=round(mean.counted),
                grad_norm=total,
            )

    def settle_batches(self, *, all_of_them: bool = False) -> None:
        """Checks the batches of a validation, where enough have come together.

        Raises:
            FloatingPointError: a loss is not finite.
        """
        if not self._batches or not (all_of_them or len(self._batches) >= self._at_once):
            return
        batches, self._batches = self._batches, []
        for measure, batch in zip(bring(batches)[0], batches, strict=True):
            require_finite_loss(measure, batch, self._state.evaluated, f"the validation of epoch {self._epoch}")
            self.average.add(measure)
