r"""Scores of pixels: overlap, precision, recall and the curve of the two, from counts alone.

With tp, fp, fn and tn the pixels of one class against all others,
iou = tp / (tp + fp + fn), f1 (Dice) = 2 tp / (2 tp + fp + fn), precision = tp / (tp + fp), recall = tp / (tp + fn),
accuracy = (tp + tn) / all. No pixel is kept: a confusion matrix and, for each foreground class, a histogram of its
probabilities over the thresholds are all there is, so that validating costs little and needs no memory.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from piste.metrics.curves import PIXEL_SCORES, Curve, scores_of_counts
from piste.metrics.decisions import ACTIVATIONS, label_map
from piste.metrics.labels import THRESHOLDS, LabelScores
from piste.metrics.names import flat_scores, foreground_indices
from piste.metrics.tally import Tally


class PixelScores:
    """IoU, F1 (Dice), precision, recall, accuracy and average precision of each class.

    At the default threshold exclusive classes (softmax) go to the most probable one and independent ones (sigmoid)
    count from 0.5; `at` tells the scores of the foreground classes at any other threshold, each class against the
    rest. Where a class is predicted but not there, or there but not predicted, its scores are 0; where it is neither,
    they are NaN and in no mean. Average precision is NaN for a class that the truth doesn't hold.

    Args:
        class_names: the classes in the order of their indices.
        background: the class that no mean counts; None where every class counts.
        activation: `softmax` (a channel a class) or `sigmoid` (a channel a foreground class).
        ignore_index: truth that nothing is counted on.
        thresholds: where curves are known, in [0, 1); 0.5 is always among them.

    Example:
        >>> import torch
        >>> scores = PixelScores(["background", "lake"], background=0, activation="sigmoid")
        >>> scores.update(torch.tensor([[[[0.9, 0.6, 0.4, 0.2]]]]), torch.tensor([[[1, 0, 1, 0]]]))
        >>> scores.compute()["recall"], scores.compute()["precision"], scores.at(0.3)["recall"]
        (0.5, 0.5, 1.0)
    """

    def __init__(
        self,
        class_names: Sequence[str],
        background: int | None = None,
        activation: str = "softmax",
        *,
        ignore_index: int = 255,
        thresholds: Sequence[float] = THRESHOLDS,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"`activation` must be softmax or sigmoid; got {activation!r}")
        self.class_names = list(class_names)
        self.background = background
        self.activation = activation
        self.ignore_index = ignore_index
        self._foreground = foreground_indices(len(self.class_names), background)
        self._names = [self.class_names[index] for index in self._foreground]
        self._against_rest = LabelScores(self._names, thresholds=thresholds)
        self.thresholds = self._against_rest.thresholds
        self._tally = Tally(confusion=(len(self.class_names),) * 2)

    def update(self, probs: Tensor, target: Tensor) -> None:
        """Count a batch.

        Args:
            probs: softmax `[N, C, *S]` or sigmoid `[N, K, *S]`, K the number of foreground classes.
            target: int `[N, *S]`, class indices or `ignore_index`.
        """
        softmax = self.activation == "softmax"
        channels = len(self.class_names) if softmax else len(self._foreground)
        if probs.ndim < 2 or probs.shape[1] != channels or probs.shape[:1] + probs.shape[2:] != target.shape:
            raise ValueError(
                f"`probs` must be [N, {channels}, *S] with activation={self.activation!r} and classes "
                f"{', '.join(self.class_names)}, and `target` [N, *S]; "
                f"got {tuple(probs.shape)} and {tuple(target.shape)}"
            )
        probs = probs.detach().float()
        predicted = label_map(probs, activation=self.activation, background=self.background)
        counted = target != self.ignore_index
        truth = target[counted].long()
        confusion = multiclass_confusion_matrix(
            predicted[counted], truth, num_classes=len(self.class_names), validate_args=False
        )
        self._tally.to(probs.device).update(confusion=confusion)
        self._against_rest.add(
            (probs[:, index if softmax else channel][counted], truth == index)
            for channel, index in enumerate(self._foreground)
        )

    def compute(self) -> dict[str, float]:
        """Flat names to scores at the default threshold: means over the foreground classes, then each class."""
        confusion = self._tally.totals()["confusion"]
        hits, truth, said = confusion.diagonal().tolist(), confusion.sum(1).tolist(), confusion.sum(0).tolist()
        scores = {
            name: scores_of_counts(tp, p - tp, t - tp, sum(truth))
            for name, tp, t, p in zip(self.class_names, hits, truth, said, strict=True)
        }
        counts = self._against_rest.counts()
        if self.activation == "sigmoid":  # independent classes may claim a pixel together, which no matrix can show
            scores |= {name: counts[name].at(0.5) for name in counts}
        by_metric = {metric: {name: scores[name][metric] for name in scores} for metric in PIXEL_SCORES}
        by_metric["average_precision"] = {name: counts[name].curve().average_precision() for name in counts}
        return flat_scores(by_metric, self._names)

    def at(self, thresholds: Mapping[str, float] | float) -> dict[str, float]:
        """Scores of the foreground classes, each against the rest, at a threshold of one's own.

        Args:
            thresholds: one for all, or one for each foreground class; the nearest of the kept ones is taken.

        Returns:
            Flat names as `compute` gives them, without the background's and without average precision.
        """
        return self._against_rest.at(thresholds)

    def best_threshold(self) -> dict[str, float]:
        """The threshold of the highest F1 for each foreground class; of equal ones the nearest to 0.5."""
        return self._against_rest.best_threshold()

    def curves(self) -> dict[str, Curve]:
        """The precision-recall curve of each foreground class; empty where the truth doesn't hold the class."""
        return self._against_rest.curves()

    def confusion(self) -> list[list[int]]:
        """Pixels by true class (rows) and predicted class (columns) at the default threshold."""
        matrix: list[list[int]] = self._tally.totals()["confusion"].tolist()
        return matrix

    def reset(self) -> None:
        """Forget everything counted so far."""
        self._tally.reset()
        self._against_rest.reset()
