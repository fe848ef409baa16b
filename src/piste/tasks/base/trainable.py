"""What training asks of a task: a model, an objective, batches, one forward pass and scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from piste.metrics.names import metric_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import DataLoader

    from piste.objective import Objective
    from piste.tasks.base.discriminator import Discriminator
    from piste.tasks.base.examined import Pixels


class Batch(NamedTuple):
    """The result of one forward pass, ready for the objective and for the scores.

    Args:
        prediction: what the model returned, float32 (logits, values, ...), on the device; of several outputs, a
            mapping by part, and so are target and mask.
        target: what it should have returned, on the device.
        mask: bool, broadcasts against the target; `False` marks elements that do not count.
        counted: 0-d, on the device: how many target elements count. Averages over batches weigh by it.
        beside: what some losses read besides the target, by name, on the device.
        auxiliary: further predictions of the target, each after the factor that its loss is added with; in training.
    """

    prediction: Any
    target: Any
    mask: Any
    counted: Tensor
    beside: Mapping[str, Tensor] = MappingProxyType({})
    auxiliary: Sequence[tuple[float, Any]] = ()

    @property
    def asked(self) -> Any:
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


class Trainable(ABC):
    """Ties data, model, objective and metrics together; the loop knows nothing else of them.

    Attributes:
        name: what a recipe calls it; empty for what no recipe can ask for.
        default_metric: the metric that chooses the best epoch where the recipe names none.
        key_metrics: the few that are looked at first, the most telling one first; the default metric alone if empty.
        joins: whether everything in a `Batch` has the samples along its first axis, and sizes else that are alike in
            all batches, so that processes can join their shares for losses that know a batch as a whole only.
    """

    name: ClassVar[str] = ""
    default_metric: ClassVar[str]
    key_metrics: ClassVar[tuple[str, ...]] = ()
    joins: ClassVar[bool] = True

    @property
    @abstractmethod
    def metric_names(self) -> Sequence[str]:
        """Every name that `Scores.compute` returns."""

    @abstractmethod
    def model(self) -> nn.Module:
        """A fresh model; random weights follow the current torch seed."""

    def discriminator(self) -> Discriminator | None:
        """A fresh network to train against the model, for losses that are adversarial; None for a model alone.

        It is shown `prediction` and `target` of the forward passes, and `objective` is called with its scores of the
        former as `fake_scores` beside the labels. Random weights follow the current torch seed.
        """
        return None

    @abstractmethod
    def objective(self) -> Objective:
        """A fresh objective at its beginning."""

    @abstractmethod
    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split.

        With `train`, `loader.sampler` and `loader.dataset` both have `set_epoch(epoch)`, and order and
        augmentation depend on the seed, the epoch and the sample alone. Without, the order is fixed.
        Reading a sample leaves the process-wide random state as it was.
        """

    @abstractmethod
    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass over a batch that is on the device already."""

    @abstractmethod
    def names(self, batch: Any) -> Sequence[str]:
        """The names of a batch's samples, for messages."""

    @abstractmethod
    def scores(self) -> Scores:
        """Empty scores."""

    def metric_facts(self) -> dict[str, Any]:
        """What a reader of a run needs to know of its metrics: which to look at first, and what each is."""
        bases = dict.fromkeys(name.partition("/")[0] for name in self.metric_names)
        key_metrics = [name for name in self.key_metrics or (self.default_metric,) if name in self.metric_names]
        return {"key_metrics": key_metrics, "metrics": {base: asdict(metric_of(base)) for base in bases}}

    def snapshot(self, model: nn.Module) -> Pixels | None:
        """A picture of where training stands, drawn after each epoch: RGB, uint8 [H, W, 3]; None for none."""
        return None
