"""What batches measured: kept on the device, brought to the host together, averaged by what each batch counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from piste.training import processes

if TYPE_CHECKING:
    from piste.objective.terms import TermValue

Figures = dict[str, float]


@dataclass(frozen=True)
class Measured:
    """What the objective made of one batch, on the device.

    Args:
        loss: 0-d, detached.
        terms: what each of its terms came to.
        counted: 0-d: how many target elements count.
        names: the batch's samples.
        again: repeats the forward pass with the weights that it had; None where they will be gone.
    """

    loss: Tensor
    terms: Mapping[str, TermValue]
    counted: Tensor
    names: Sequence[str]
    again: Callable[[], Any] | None


@dataclass(frozen=True)
class Measure:
    """What the objective made of one batch, in numbers: of each term `raw`, `factor` and `weighted`."""

    loss: float
    terms: Mapping[str, Figures]
    counted: float


def bring(
    batches: Sequence[Measured], others: Sequence[Tensor] = (), *, over_processes: bool = False
) -> tuple[list[Measure], list[float]]:
    """The numbers of some batches, and those of other 0-d tensors, in one transfer.

    Args:
        batches: what was measured.
        others: come back as they are here.
        over_processes: whether the batches are shares of what all processes have, and their mean is wanted.
    """
    tensors = list(others)
    for batch in batches:
        tensors += (batch.loss, batch.counted)
        for term in batch.terms.values():
            tensors += (term.raw, *([term.factor] if isinstance(term.factor, Tensor) else []), term.weighted)
    row = torch.stack([tensor.float() for tensor in tensors])
    rows = processes.rows_of_all(row).tolist() if over_processes else [row.tolist()]
    shares = [_measures(batches, numbers[len(others) :]) for numbers in rows]
    measures = [_mean(shares_of_one) for shares_of_one in zip(*shares, strict=True)]
    return measures, rows[processes.rank() if over_processes else 0][: len(others)]


def _measures(batches: Sequence[Measured], numbers: Sequence[float]) -> list[Measure]:
    """Numbers, as one process has them, as the measures of the batches that they are of."""
    rest = iter(numbers)
    measures = []
    for batch in batches:
        loss, counted = next(rest), next(rest)
        terms = {
            name: {
                "raw": next(rest),
                "factor": next(rest) if isinstance(term.factor, Tensor) else term.factor,
                "weighted": next(rest),
            }
            for name, term in batch.terms.items()
        }
        measures.append(Measure(loss, terms, counted))
    return measures


def _mean(shares: Sequence[Measure]) -> Measure:
    """The measure of the batch that these are shares of."""
    if len(shares) == 1:
        return shares[0]
    mean = Average()
    for share in shares:
        mean.add(share)
    fields = mean.fields()
    return Measure(fields["loss"], fields["terms"], mean.counted)


@dataclass
class Average:
    """The mean of the loss and of its terms over batches, each weighted by what it counted."""

    counted: float = 0.0
    _loss: float = 0.0
    _terms: dict[str, Figures] = field(default_factory=dict)

    def add(self, measure: Measure) -> None:
        """Takes in a batch."""
        weight = measure.counted
        self.counted += weight
        self._loss += weight * measure.loss
        for name, figures in measure.terms.items():
            sums = self._terms.setdefault(name, {"raw": 0.0, "factor": 0.0, "weighted": 0.0})
            sums["raw"] += weight * figures["raw"]
            sums["weighted"] += weight * figures["weighted"]
            sums["factor"] = figures["factor"]  # moves between epochs only

    def over_processes(self) -> Average:
        """The mean over what all processes have taken in, each other batches."""
        joint = Average()
        for counted, fields in processes.of_all([(self.counted, self.fields())]):
            joint.add(Measure(fields["loss"], fields["terms"], counted))
        return joint

    def fields(self) -> dict[str, Any]:
        """`loss` and `terms` as events have them; zeros where nothing counted."""
        total = self.counted or 1.0
        terms = {
            name: {"raw": sums["raw"] / total, "factor": sums["factor"], "weighted": sums["weighted"] / total}
            for name, sums in self._terms.items()
        }
        return {"loss": self._loss / total, "terms": terms}
