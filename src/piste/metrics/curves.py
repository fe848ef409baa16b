r"""What counts at every threshold say about one class: its precision-recall curve, its area, its best threshold.

`ThresholdCounts` comes from a histogram: a pixel that reaches b of the rising thresholds is predicted at the first b.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from torch import Tensor

PIXEL_SCORES = ("iou", "f1", "precision", "recall", "accuracy")


class Curve(NamedTuple):
    """Precision and recall of one class at rising thresholds, those left out at which nothing is predicted."""

    precision: list[float]
    recall: list[float]
    threshold: list[float]

    def average_precision(self) -> float:
        """Precision averaged over the recall that each threshold adds, the highest first; NaN for an empty curve."""
        if not self.recall:
            return math.nan
        gained = [here - higher for here, higher in zip(self.recall, [*self.recall[1:], 0.0], strict=True)]
        return sum(p * r for p, r in zip(self.precision, gained, strict=True))


class ThresholdCounts(NamedTuple):
    """Of one class against the rest: true and false positives at each threshold, its pixels, and all pixels."""

    thresholds: Sequence[float]
    tp: list[int]
    fp: list[int]
    positives: int
    total: int

    @classmethod
    def from_histogram(cls, histogram: Tensor, thresholds: Sequence[float]) -> Self:
        """From how many pixels reach how many of the thresholds.

        Args:
            histogram: int `[2, len(thresholds) + 1]`, the pixels of other classes, then those of this one.
            thresholds: rising.
        """
        reached = histogram.flip(1).cumsum(1).flip(1)
        fp, tp = reached[:, 1:].tolist()
        return cls(thresholds, tp, fp, int(reached[1, 0]), int(reached[:, 0].sum()))

    def at(self, threshold: float) -> dict[str, float]:
        """The scores at the threshold nearest to this one."""
        i = min(range(len(self.thresholds)), key=lambda i: abs(self.thresholds[i] - threshold))
        return scores_of_counts(self.tp[i], self.fp[i], self.positives - self.tp[i], self.total)

    def curve(self) -> Curve:
        """The precision-recall curve; empty where the truth doesn't hold the class."""
        points = [
            (tp / (tp + fp), tp / self.positives, threshold)
            for threshold, tp, fp in zip(self.thresholds, self.tp, self.fp, strict=True)
            if self.positives and tp + fp
        ]
        return Curve(*([point[i] for point in points] for i in range(3)))

    def best_threshold(self) -> float:
        """The threshold with the highest F1; of equal ones the nearest to 0.5."""
        # f1 = 2 tp / (2 tp + fp + fn), and tp + fn are the class's pixels
        f1 = [2 * tp / max(tp + fp + self.positives, 1) for tp, fp in zip(self.tp, self.fp, strict=True)]
        return max(zip(f1, self.thresholds, strict=True), key=lambda pair: (pair[0], -abs(pair[1] - 0.5)))[1]


def scores_of_counts(tp: int, fp: int, fn: int, total: int) -> dict[str, float]:
    """IoU, F1, precision, recall and accuracy of one class against the rest; all NaN where it is never met.

    Example:
        >>> scores_of_counts(tp=1, fp=1, fn=2, total=10)
        {'iou': 0.25, 'f1': 0.4, 'precision': 0.5, 'recall': 0.3333333333333333, 'accuracy': 0.7}
    """
    if tp + fp + fn == 0:
        return dict.fromkeys(PIXEL_SCORES, math.nan)
    values = (
        tp / (tp + fp + fn),
        2 * tp / (2 * tp + fp + fn),
        tp / max(tp + fp, 1),
        tp / max(tp + fn, 1),
        (total - fp - fn) / total,
    )
    return dict(zip(PIXEL_SCORES, values, strict=True))
