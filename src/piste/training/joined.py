"""Shares of a batch joined again, for losses that know a batch as a whole only.

The loss of a batch is often not the mean of what its shares lose: Dice adds up areas of all images, and a mean with
weights divides by those of all elements. Each process then computes the loss of the whole batch and differentiates it
by its own share; added up over the processes, that is the gradient of one process. Losses that are plain means are
left to the shares, which costs no transfer and no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from piste.losses import Loss
from piste.losses.labels.base import LabelLoss
from piste.losses.labels.independent import IndependentLoss
from piste.losses.values.base import ValueLoss
from piste.objective import Objective
from piste.tasks.base import Batch
from piste.training import processes

MEANS = (LabelLoss, IndependentLoss, ValueLoss)
"""Losses whose elements each have a cost of their own; without weights the batch costs their mean."""


def adds_up(objective: Objective) -> bool:
    """Whether what a batch costs, in the present phase, is the mean of what its shares do, by what they count."""
    phase = objective.order[objective.phase.index]
    return phase.weighting is None and all(_is_mean(term.loss) for term in phase.parts)


def joined(output: Batch, rows: Sequence[int]) -> Batch:
    """The forward pass over a whole batch; gradients reach what this process has computed of it.

    Args:
        output: this process's share of it, the samples along the first axis of everything.
        rows: how many samples each process has.
    """

    def join(own: Any) -> Any:
        if isinstance(own, Mapping):
            return {name: join(each) for name, each in own.items()}
        return processes.joined(own, rows) if isinstance(own, Tensor) else own

    return Batch(
        prediction=join(output.prediction),
        target=join(output.target),
        mask=join(output.mask),
        counted=processes.rows_of_all(output.counted.reshape(1)).sum(),
        beside=join(output.beside),
        auxiliary=[(factor, join(each)) for factor, each in output.auxiliary],
    )


def _is_mean(loss: Any) -> bool:
    """Whether each element counts alike."""
    if not isinstance(loss, Loss):
        return False
    settings = loss.arguments
    return isinstance(loss, MEANS) and settings.get("weight") is None and settings["reduction"] == "mean"
