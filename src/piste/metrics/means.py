"""Means that add up over batches, and over processes when training is distributed."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric


class Means(Metric):
    """The mean of each of several scores over samples, those that are NaN left out of it.

    Sums are kept in double precision, so that they don't depend on how samples are dealt into batches.

    Args:
        names: of the scores.
    """

    full_state_update = False
    totals: Tensor
    counts: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        for state in ("totals", "counts"):
            self.add_state(state, torch.zeros(len(self.names), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, **scores: Tensor) -> None:
        """Add samples: one number each, [N], by the score's name."""
        table = torch.stack([scores[name] for name in self.names]).to(self.totals)
        defined = ~table.isnan()
        self.totals = self.totals + table.where(defined, 0).sum(1)
        self.counts = self.counts + defined.sum(1)

    def compute(self) -> Tensor:
        """The mean of each score in the order of their names; NaN where no sample had one."""
        return self.totals / self.counts

    def by_name(self) -> dict[str, float]:
        """The means over all processes."""
        # `compute`, as torchmetrics wraps it, drops the axis of a tensor with one element
        values = self.compute().cpu().reshape(-1).tolist()
        return {
            name: value if math.isfinite(value) else math.nan for name, value in zip(self.names, values, strict=True)
        }
