"""Scores of pixels, label by label, each against its absence and at every threshold."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from piste.metrics.curves import PIXEL_SCORES, Curve, ThresholdCounts
from piste.metrics.names import flat_scores
from piste.metrics.tally import Tally

# Steps of 0.005, finer where a model that is sure of itself puts its probabilities.
_ENDS = (*(digit * 10.0**power for power in (-6, -5, -4) for digit in (1, 2, 5)), 0.001, 0.002)
THRESHOLDS = (*(i / 200 for i in range(200)), *_ENDS, *(1 - t for t in _ENDS))


class LabelScores:
    """IoU, F1 (Dice), precision, recall, accuracy and average precision of labels of which a pixel may have several.

    A label counts from a probability of 0.5; `at` tells the scores at any other threshold. Where a label is predicted
    but not there, or there but not predicted, its scores are 0; where it is neither, they are NaN and in no mean.
    Average precision is NaN for a label that the truth doesn't hold.

    Args:
        names: the labels in the order of the channels.
        thresholds: where curves are known, in [0, 1); 0.5 is always among them.

    Example:
        >>> scores = LabelScores(["roof", "shadow"])
        >>> probs = torch.tensor([[[0.9, 0.6, 0.4], [0.1, 0.8, 0.7]]])
        >>> truth = torch.tensor([[[1, 0, 1], [0, 1, 1]]]).bool()
        >>> scores.update(probs, truth, torch.ones_like(truth))
        >>> scores.compute()["recall/roof"], scores.compute()["recall/shadow"], scores.compute()["recall"]
        (0.5, 1.0, 0.75)
    """

    def __init__(self, names: Sequence[str], *, thresholds: Sequence[float] = THRESHOLDS) -> None:
        if not all(0.0 <= t < 1.0 for t in thresholds):
            raise ValueError(f"`thresholds` must lie in [0, 1); got {list(thresholds)}")
        self.names = list(names)
        self.thresholds = sorted({0.5, *thresholds})
        # histogram[k, y, b]: pixels that have (y = 1) or lack (y = 0) label k and reach b thresholds
        self._tally = Tally(histogram=(len(self.names), 2, len(self.thresholds) + 1))

    def update(self, probs: Tensor, truth: Tensor, counted: Tensor) -> None:
        """Count a batch.

        Args:
            probs: `[N, K, *S]`.
            truth: bool, of the same shape.
            counted: bool, of the same shape: where the truth is known.
        """
        if probs.ndim < 2 or probs.shape[1] != len(self.names) or not probs.shape == truth.shape == counted.shape:
            raise ValueError(
                f"`probs`, `truth` and `counted` must be [N, {len(self.names)}, *S]; got {tuple(probs.shape)}, "
                f"{tuple(truth.shape)} and {tuple(counted.shape)}"
            )
        probs = probs.detach().float()
        triples = zip(probs.unbind(1), truth.unbind(1), counted.unbind(1), strict=True)
        self.add((p[known], t[known]) for p, t, known in triples)

    def add(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Count what is known of each label.

        Args:
            pairs: of each label its probabilities, float32, and the truth, bool, in as many pixels as are known.
        """
        bins = len(self.thresholds) + 1
        histograms = []
        for probs, truth in pairs:
            reached = torch.bucketize(probs, torch.tensor(self.thresholds, device=probs.device), right=True)
            histograms.append(torch.bincount(reached + bins * truth, minlength=2 * bins).view(2, bins))
        self._tally.to(histograms[0].device).update(histogram=torch.stack(histograms))

    def compute(self) -> dict[str, float]:
        """Flat names to scores at the threshold 0.5: means over the labels, then each label."""
        counts = self.counts()
        scores = {name: each.at(0.5) for name, each in counts.items()}
        by_metric = {metric: {name: scores[name][metric] for name in scores} for metric in PIXEL_SCORES}
        by_metric["average_precision"] = {name: each.curve().average_precision() for name, each in counts.items()}
        return flat_scores(by_metric, self.names)

    def at(self, thresholds: Mapping[str, float] | float) -> dict[str, float]:
        """Scores at a threshold of one's own.

        Args:
            thresholds: one for all, or one for each label; the nearest of the kept ones is taken.

        Returns:
            Flat names as `compute` gives them, without average precision.
        """
        chosen = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(self.names, thresholds)
        scores = {name: counts.at(chosen[name]) for name, counts in self.counts().items()}
        return flat_scores({m: {name: scores[name][m] for name in scores} for m in PIXEL_SCORES}, self.names)

    def best_threshold(self) -> dict[str, float]:
        """The threshold of the highest F1 for each label; of equal ones the nearest to 0.5."""
        return {name: counts.best_threshold() for name, counts in self.counts().items()}

    def curves(self) -> dict[str, Curve]:
        """The precision-recall curve of each label; empty where the truth doesn't hold it."""
        return {name: counts.curve() for name, counts in self.counts().items()}

    def counts(self) -> dict[str, ThresholdCounts]:
        """What is predicted right and wrong at each threshold, label by label."""
        histograms = self._tally.totals()["histogram"]
        return {
            name: ThresholdCounts.from_histogram(histogram, self.thresholds)
            for name, histogram in zip(self.names, histograms, strict=True)
        }

    def reset(self) -> None:
        """Forget everything counted so far."""
        self._tally.reset()
