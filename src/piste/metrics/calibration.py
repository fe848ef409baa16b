"""Whether probabilities are what they say: of the answers given at 80 %, are 80 % right?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15


class Calibration(NamedTuple):
    """Confidence against what came true, in bins of equal width, those left out that hold nothing.

    Args:
        confidence: the mean in each bin.
        right: the share that came true in each bin.
        held: how many it holds.
    """

    confidence: list[float]
    right: list[float]
    held: list[int]

    def error(self) -> float:
        """The expected calibration error: how far the two are apart, a bin weighing as much as it holds; or NaN.

        Source: Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599, eq. 3, with its 15 bins.
        """
        total = sum(self.held)
        if not total:
            return float("nan")
        gaps = zip(self.confidence, self.right, self.held, strict=True)
        return sum(abs(confidence - right) * held for confidence, right, held in gaps) / total


def calibration_of(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> Calibration:
    """Sort answers into bins by their confidence.

    Args:
        confidence: probabilities [N].
        right: whether each came true [N].
        bins: how many, of equal width in 0 … 1; each holds its lower end, the last both.

    Example:
        >>> calibration_of(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False])).error()
        0.15000000000000002
    """
    place = (np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="right") - 1).clip(0, bins - 1)
    count = np.bincount(place, minlength=bins)
    held = count > 0
    sums = (np.bincount(place, weights=values, minlength=bins)[held] for values in (confidence, right))
    means = [(values / count[held]).tolist() for values in sums]
    return Calibration(means[0], means[1], count[held].tolist())
