"""What training asks of a task: a model, an objective, batches, one forward pass and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import DataLoader

    from piste.objective import Objective


class Batch(NamedTuple):
    """The result of one forward pass, ready for the objective and for the scores.

    Args:
        prediction: what the model returned, float32 (logits, values, ...), on the device.
        target: what it should have returned, on the device.
        mask: bool, broadcasts against the target; `False` marks elements that do not count.
        counted: 0-d, on the device: how many target elements count. Averages over batches weigh by it.
        beside: what some losses read besides the target, by name, on the device.
    """

    prediction: Tensor
    target: Tensor
    mask: Tensor | None
    counted: Tensor
    beside: Mapping[str, Tensor] = MappingProxyType({})

    @property
    def asked(self) -> Tensor | dict[str, Tensor]:
        """What the objective is called with: the target, or by name with what stands beside it."""
        return {"labels": self.target, **self.beside} if self.beside else self.target


class Scores(Protocol):
    """Metrics gathered over the batches of one split."""

    def update(self, output: Batch) -> None:
        """Adds one batch; called without gradients."""
        ...

    def compute(self) -> Mapping[str, float]:
        """The value of each of the task's `metric_names`; NaN where a metric is undefined."""
        ...


class Task(Protocol):
    """Ties data, model, objective and metrics together; the loop knows nothing else of them."""

    @property
    def metric_names(self) -> Sequence[str]:
        """Every name that `Scores.compute` returns."""
        ...

    @property
    def default_metric(self) -> str:
        """The metric that chooses the best epoch where the recipe names none."""
        ...

    def model(self) -> nn.Module:
        """A fresh model; random weights follow the current torch seed."""
        ...

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        ...

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split.

        With `train`, `loader.sampler` and `loader.dataset` both have `set_epoch(epoch)`, and order and
        augmentation depend on the seed, the epoch and the sample alone. Without, the order is fixed.
        Reading a sample leaves the process-wide random state as it was.
        """
        ...

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass over a batch that is on the device already."""
        ...

    def names(self, batch: Any) -> Sequence[str]:
        """The names of a batch's samples, for messages."""
        ...

    def scores(self) -> Scores:
        """Empty scores."""
        ...
