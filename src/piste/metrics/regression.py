"""Scores of predicted numbers, in the unit of the data: how far they are off, and whether intervals hold the truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from piste.metrics.kept import Kept
from piste.metrics.names import Metric, file_metrics, flat_scores

POINT = ("r2", "mae", "rmse")
INTERVAL = ("interval_coverage", "interval_width")

file_metrics(
    {
        "r2": Metric("R²", share=False, meaning="share of the values' variance that is predicted; 0 for their mean"),
        "mae": Metric("Mean absolute error", True, share=False, meaning="mean distance of values, in their unit"),
        "rmse": Metric("Root mean squared error", True, share=False, meaning="the same, large errors weighing more"),
        "interval_coverage": Metric("Coverage", meaning="share of true values between the outermost quantiles"),
        "interval_width": Metric("Width", True, share=False, meaning="mean distance of the outermost quantiles"),
    }
)


def regression_metric_names(value_names: Sequence[str], quantiles: Sequence[float] | None) -> list[str]:
    """Every name a score can have: means over the values, then, where there are several, those of each.

    Example:
        >>> regression_metric_names(["height"], None), regression_metric_names(["height", "age"], [0.1, 0.9])[-1]
        (['r2', 'mae', 'rmse'], 'interval_width/age')
    """
    metrics = (*POINT, *(INTERVAL if quantiles else ()))
    each = [f"{metric}/{name}" for metric in metrics for name in value_names] if len(value_names) > 1 else []
    return [*metrics, *each]


class Numbers(NamedTuple):
    """What a model said of a split, and what is so, in the data's unit.

    Args:
        said: float64 [N, V, Q], rising along Q; Q = 1 where it says one number.
        truth: float64 [N, V].
        middle: which of Q is the one number that stands for them: the one nearest to the median.
    """

    said: NDArray[np.float64]
    truth: NDArray[np.float64]
    middle: int

    @property
    def point(self) -> NDArray[np.float64]:
        """One number for each value [N, V]."""
        return self.said[:, :, self.middle]

    @property
    def error(self) -> NDArray[np.float64]:
        """How much too high it is [N, V]."""
        return self.point - self.truth

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which true values lie between the outermost quantiles, the ends included [N, V]."""
        return np.asarray((self.said[:, :, 0] <= self.truth) & (self.truth <= self.said[:, :, -1]))

    def below(self) -> NDArray[np.float64]:
        """The share of true values that each quantile is not exceeded by [V, Q]."""
        return np.asarray((self.truth[:, :, None] <= self.said).mean(0))


class RegressionScores:
    """R², mean absolute error, root mean squared error; of several quantiles, coverage and width of their interval.

    The number that errors are taken of is the quantile nearest to the median. Quantiles that come out in the wrong
    order are sorted first, which never makes them worse (Chernozhukov et al. 2010). A mean over several values mixes
    their units in all but R² and coverage. R² is NaN where the truth does not vary.

    Args:
        value_names: what the numbers are called.
        quantiles: rising, where the model says several for each value.

    Example:
        >>> import torch
        >>> scores = RegressionScores(["height"])
        >>> scores.update(torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [3.0]]))
        >>> scores.compute()["mae"], scores.compute()["r2"]
        (0.5, 0.5)
    """

    def __init__(self, value_names: Sequence[str], quantiles: Sequence[float] | None = None) -> None:
        self.value_names = list(value_names)
        self.quantiles = None if quantiles is None else list(quantiles)
        self._kept = Kept("said", "truth")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Keep a batch.

        Args:
            prediction: [N, V], or [N, V, Q] of several quantiles, in the data's unit.
            target: [N, V].
        """
        shape = (len(target), len(self.value_names), *(() if self.quantiles is None else (len(self.quantiles),)))
        if prediction.shape != shape or target.shape != shape[:2]:
            raise ValueError(
                f"`prediction` must be {list(shape)} and `target` {list(shape[:2])}; got {list(prediction.shape)} and"
                f" {list(target.shape)}"
            )
        self._kept.to(target.device).update(said=prediction.float(), truth=target.float())

    def numbers(self) -> Numbers:
        """Everything so far, of all processes."""
        kept = self._kept.everything()
        count = len(self.value_names)
        said = np.sort(kept["said"].double().numpy().reshape(-1, count, len(self.quantiles or (0.5,))), axis=2)
        return Numbers(said, kept["truth"].double().numpy().reshape(-1, count), middle_of(self.quantiles))

    def compute(self) -> dict[str, float]:
        """Flat names to scores."""
        numbers = self.numbers()
        square, spread = (numbers.error**2).sum(0), ((numbers.truth - numbers.truth.mean(0)) ** 2).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = {
                "r2": np.where(spread > 0, 1 - square / spread, np.nan),
                "mae": np.abs(numbers.error).mean(0),
                "rmse": np.sqrt((numbers.error**2).mean(0)),
            }
        if self.quantiles is not None:
            columns["interval_coverage"] = numbers.inside.mean(0)
            columns["interval_width"] = (numbers.said[:, :, -1] - numbers.said[:, :, 0]).mean(0)
        by_metric = {
            metric: dict(zip(self.value_names, values.tolist(), strict=True)) for metric, values in columns.items()
        }
        found = flat_scores(by_metric, self.value_names)
        return {name: found[name] for name in regression_metric_names(self.value_names, self.quantiles)}


def middle_of(quantiles: Sequence[float] | None) -> int:
    """Which quantile stands for all: the one nearest to the median."""
    return 0 if quantiles is None else min(range(len(quantiles)), key=lambda i: abs(quantiles[i] - 0.5))
