"""Scores of labels: how often the right one comes first, each class against the rest, and what probabilities are worth.

Every probability is kept, so that curves and areas are exact: 4 bytes a class and image.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.metrics.calibration import Calibration, calibration_of
from piste.metrics.curves import ThresholdCounts, scores_of_counts
from piste.metrics.kept import Kept
from piste.metrics.names import Metric, file_metrics, flat_scores

PER_CLASS = ("f1", "precision", "recall", "average_precision")
TOP = (3, 5)

file_metrics(
    {
        "hamming": Metric("Hamming score", meaning="share of labels told right, over all images and classes"),
        "calibration_error": Metric(
            "Calibration error",
            smaller_is_better=True,
            meaning="how far probabilities are from the share of answers that come true",
        ),
    }
    | {f"top{k}": Metric(f"Top {k}", meaning=f"share of images with the right class among the first {k}") for k in TOP}
)


def classification_metric_names(class_names: Sequence[str], *, multi_label: bool) -> list[str]:
    """Every name a score can have: those over all classes, means, then those of each class.

    Example:
        >>> classification_metric_names(["cat", "dog"], multi_label=False)[:4]
        ['accuracy', 'f1', 'precision', 'recall']
    """
    top = [f"top{k}" for k in TOP if k < len(class_names) and not multi_label]
    by_class = [f"{metric}/{name}" for metric in PER_CLASS for name in class_names]
    return ["accuracy", *PER_CLASS, "hamming", "calibration_error", *top, *by_class]


class Answers(NamedTuple):
    """What a model said of a split, and what is so.

    Args:
        probs: float64 [N, C].
        truth: bool [N, C].
        multi_label: whether an image may have several labels or none.
    """

    probs: NDArray[np.float64]
    truth: NDArray[np.bool_]
    multi_label: bool

    def chosen(self, thresholds: Sequence[float] | float = 0.5) -> NDArray[np.bool_]:
        """The labels given [N, C]: the most probable one, or, of several, those that reach their threshold."""
        if self.multi_label:
            return np.asarray(self.probs >= np.asarray(thresholds))
        return np.asarray(np.eye(self.probs.shape[1], dtype=bool)[self.probs.argmax(1)])

    def counts(self, label: int) -> ThresholdCounts:
        """Hits and false alarms of one class at each of its probabilities."""
        scores, is_so = self.probs[:, label], self.truth[:, label]
        steps = np.unique(scores)
        hits, alarms = (
            (len(these) - np.searchsorted(np.sort(these), steps)).tolist() for these in (scores[is_so], scores[~is_so])
        )
        return ThresholdCounts(steps.tolist(), hits, alarms, int(is_so.sum()), len(scores))

    def calibration(self) -> Calibration:
        """Of the answer given to each image; of several labels, of every probability."""
        if self.multi_label:
            return calibration_of(self.probs.ravel(), self.truth.ravel())
        right = np.asarray((self.truth & self.chosen()).any(1))
        return calibration_of(self.probs.max(1).clip(0, 1), right)

    def average_precision(self, label: int) -> float:
        """Area under the curve of precision over recall; NaN for a class that the truth doesn't hold."""
        counts = self.counts(label)
        tp, fp = np.array(counts.tp, dtype=np.float64), np.array(counts.fp)
        if not counts.positives:
            return float("nan")
        gained = -np.diff(np.append(tp, 0)) / counts.positives
        return float((gained * tp / (tp + fp)).sum())


class ClassificationScores:
    """Accuracy, top k, Hamming score, calibration error, and precision, recall, F1 and average precision by class.

    Where images have one label, the most probable class is the answer; where they may have several, those that reach
    0.5, and accuracy is then the share of images whose labels are all told right. A class that is neither in the truth
    nor predicted has no scores (NaN) and is in no mean.

    Args:
        class_names: the classes in the order of their indices.
        multi_label: whether an image may have several labels or none.

    Example:
        >>> scores = ClassificationScores(["cat", "dog"], multi_label=False)
        >>> scores.update(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1]))
        >>> scores.compute()["accuracy"], scores.compute()["recall/dog"]
        (0.5, 0.0)
    """

    def __init__(self, class_names: Sequence[str], *, multi_label: bool) -> None:
        self.class_names = list(class_names)
        self.multi_label = multi_label
        self._kept = Kept("probs", "target")

    def update(self, probs: Tensor, target: Tensor) -> None:
        """Keep a batch.

        Args:
            probs: [N, C].
            target: int [N], or bool [N, C] where an image may have several labels.
        """
        several = 2 if self.multi_label else 1
        if probs.ndim != 2 or probs.shape[1] != len(self.class_names) or target.shape != probs.shape[:several]:
            raise ValueError(
                f"`probs` must be [N, {len(self.class_names)}] and `target` {'[N, C]' if self.multi_label else '[N]'};"
                f" got {list(probs.shape)} and {list(target.shape)}"
            )
        self._kept.to(probs.device).update(probs=probs.float(), target=target.to(torch.int64))

    def answers(self) -> Answers:
        """Everything so far, of all processes."""
        kept = self._kept.everything()
        probs = kept["probs"].double().numpy().reshape(-1, len(self.class_names))
        target = kept["target"].numpy()
        if self.multi_label:
            return Answers(probs, target.reshape(probs.shape).astype(bool), True)
        return Answers(probs, target[:, None] == np.arange(len(self.class_names)), False)

    def compute(self) -> dict[str, float]:
        """Flat names to scores: those over all classes, means over classes, then each class."""
        answers = self.answers()
        chosen = answers.chosen()
        whole = {"accuracy": _mean((chosen == answers.truth).all(1))}
        if not self.multi_label:
            of_truth = (answers.probs * answers.truth).sum(1, keepdims=True)
            # classes with the same probability are taken in the order of their indices, as the first of them is chosen
            ahead = (answers.probs > of_truth) | ((answers.probs == of_truth) & _before(answers.truth))
            rank = ahead.sum(1)
            whole |= {f"top{k}": _mean(rank < k) for k in TOP if k < len(self.class_names)}
        whole["hamming"] = _mean(chosen == answers.truth)
        whole["calibration_error"] = answers.calibration().error()
        areas = {name: answers.average_precision(i) for i, name in enumerate(self.class_names)}
        by_metric = _by_metric(chosen, answers.truth, self.class_names) | {"average_precision": areas}
        found = whole | flat_scores(by_metric, self.class_names)
        names = classification_metric_names(self.class_names, multi_label=self.multi_label)
        return {name: found[name] for name in names}

    def at(self, thresholds: Mapping[str, float]) -> dict[str, float]:
        """Precision, recall and F1 of each class against the rest at thresholds of one's own, and their means.

        Args:
            thresholds: one for each class.
        """
        answers = self.answers()
        chosen = answers.probs >= np.array([thresholds[name] for name in self.class_names])
        return flat_scores(_by_metric(chosen, answers.truth, self.class_names), self.class_names)

    def best_thresholds(self) -> dict[str, float]:
        """The threshold of the highest F1 of each class against the rest; 0.5 for a class that the truth lacks."""
        answers = self.answers()
        held = np.asarray(answers.truth.any(0))
        return {name: answers.counts(i).best_threshold() if held[i] else 0.5 for i, name in enumerate(self.class_names)}


def _by_metric(
    chosen: NDArray[np.bool_], truth: NDArray[np.bool_], class_names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """F1, precision and recall of each class."""
    tp, fp, fn = (chosen & truth).sum(0), (chosen & ~truth).sum(0), (~chosen & truth).sum(0)
    scores = {
        name: scores_of_counts(int(tp[i]), int(fp[i]), int(fn[i]), len(truth)) for i, name in enumerate(class_names)
    }
    return {metric: {name: scores[name][metric] for name in class_names} for metric in ("f1", "precision", "recall")}


def _before(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which classes have an index below that of the true one [N, C]."""
    return np.asarray(np.arange(truth.shape[1]) < truth.argmax(1)[:, None])


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else float("nan")
