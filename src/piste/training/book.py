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
from piste.training.events import Log
from piste.training.finite import require_finite_gradients, require_finite_loss
from piste.training.gradients import Norms
from piste.training.measure import Average, Measured, bring
from piste.training.rounds import Played, Round, bring_rounds, require_finite_round
from piste.training.state import TrainingState

AT_ONCE = {"cpu": 1, "cuda": 10, "mps": 10}  # how many steps, or batches of a validation, are settled together
OVERFLOWS = 20  # with fp16: how many steps in a row may overflow while the scale of the loss is sought


@dataclass(frozen=True)
class _Step:
    batches: Sequence[Measured]
    norms: Norms
    number: int
    lr: float
    rounds: Sequence[Round]


class Book:
    """Keeps the book of one pass over a split.

    Args:
        state: what is trained.
        log: gets an event a step.

    Attributes:
        average: over all batches that are settled.
        rival: the same of what the discriminator pays; nothing is counted where there is none.
        lr: the rate of the last step.
    """

    def __init__(self, state: TrainingState, log: Log) -> None:
        self.average = Average()
        self.rival = Average()
        self.lr = state.schedule.lr
        self._state = state
        self._log = log
        self._epoch = state.epoch + 1
        self._at_once = AT_ONCE[state.accelerator.device.type]
        self._overflows = 0
        self._batches: list[Measured] = []
        self._rounds: list[Round] = []
        self._steps: list[_Step] = []

    def fields(self) -> dict[str, Any]:
        """The mean loss with its terms, and that of the discriminator where there is one, as events have them."""
        return self.average.fields() | ({"discriminator": self.rival.fields()} if self.rival.counted else {})

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

    def rival_step(
        self, loss: Tensor, norms: Norms | None, output: Batch, again: Callable[[], Any], names: Sequence[str]
    ) -> None:
        """Enters a step of the discriminator, or what it pays for a batch of a validation.

        Args:
            loss: what the objective has just given for it.
            norms: its gradients; None in a validation.
            output: what the model made.
            again: repeats the discriminator's passes.
            names: the batch's samples.

        Raises:
            FloatingPointError: on the CPU, a loss or a gradient is not finite.
        """
        terms = self._state.objective.discriminator_terms
        forward = again if self._at_once == 1 else None
        made = Round(Measured(loss.detach(), terms, output.counted, names, forward), norms)
        self._rounds.append(made)
        if self._at_once == 1 and norms is not None:  # before the weights that made it move
            self._require_finite(bring_rounds([made]), f"epoch {self._epoch}, step {self._state.step + 1}")

    def step(self, norms: Norms) -> None:
        """Enters the step that the batches since the last one make."""
        self.lr = self._state.schedule.lr
        self._steps.append(_Step(self._batches, norms, self._state.step, self.lr, self._rounds))
        self._batches, self._rounds = [], []
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
        measures, totals = bring(batches, [step.norms.total for step in steps], over_processes=True)
        rest = iter(measures)
        rounds = iter(bring_rounds([each for step in steps for each in step.rounds]))
        phase = self._state.objective.phase
        for step, total in zip(steps, totals, strict=True):
            where = f"epoch {self._epoch}, step {step.number}"
            played = [next(rounds) for _ in step.rounds]
            self._require_finite(played, where)
            mean, rival = Average(), Average()
            for each in played:
                rival.add(each.measure)
                self.rival.add(each.measure)
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
                **({"discriminator": rival.fields() | {"grad_norm": played[-1].norm}} if played else {}),
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
        rounds, self._rounds = self._rounds, []
        played = bring_rounds(rounds)
        self._require_finite(played, f"the validation of epoch {self._epoch}")
        for each in played:
            self.rival.add(each.measure)

    def join_processes(self) -> None:
        """Makes the averages those over the batches of all processes, each of which had its own."""
        self.average, self.rival = self.average.over_processes(), self.rival.over_processes()

    def _require_finite(self, played: Sequence[Played], where: str) -> None:
        """Refuses steps of the discriminator that are not finite."""
        for each in played:
            assert self._state.rival is not None
            require_finite_round(each, self._state.rival.module, where)
