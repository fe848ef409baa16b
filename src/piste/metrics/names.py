"""The names of the scores: what triggers, early stopping and `best` may refer to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What is known of a metric, whatever the class or the data.

    Args:
        label: what a report calls it.
        smaller_is_better: as for errors.
        share: whether it lies in 0 … 1.
        percent: whether a share is read in percent, as one of things that can be counted is: a recall of 41 %, but an
            IoU of 0.41.
        meaning: one line.
    """

    label: str
    smaller_is_better: bool = False
    share: bool = True
    percent: bool = True
    meaning: str = ""


METRICS: dict[str, Metric] = {}
"""Every metric by the name before its slash, filed by the module that computes it."""


def file_metrics(metrics: Mapping[str, Metric]) -> None:
    """Add to `METRICS`; a name has one meaning in all tasks.

    Raises:
        ValueError: a name is filed already with other facts.
    """
    for name, metric in metrics.items():
        if METRICS.setdefault(name, metric) != metric:
            raise ValueError(f"the metric {name!r} is filed as {METRICS[name]}; got {metric}")


def metric_of(name: str) -> Metric:
    """What is known of a metric by its flat name, such as `f1/cat`; a guess from the name where it is in no list."""
    base = name.partition("/")[0]
    guess = Metric(base.replace("_", " ").capitalize(), base.endswith(("error", "loss")), share=False)
    return METRICS.get(base, guess)


file_metrics(
    {
        "iou": Metric(
            "IoU", percent=False, meaning="pixels of a class in truth and prediction, divided by those in either"
        ),
        "f1": Metric("F1", percent=False, meaning="harmonic mean of precision and recall"),
        "precision": Metric("Precision", meaning="share of what was predicted that is true"),
        "recall": Metric("Recall", meaning="share of what is true that was predicted"),
        "accuracy": Metric("Accuracy", meaning="share of what was named right"),
        "average_precision": Metric(
            "Average precision", percent=False, meaning="area under the curve of precision over recall"
        ),
        "object_precision": Metric("Objects: precision", meaning="share of the predicted objects that are true"),
        "object_recall": Metric("Objects: recall", meaning="share of the true objects that were found"),
        "object_f1": Metric("Objects: F1", percent=False, meaning="harmonic mean of the objects' precision and recall"),
        "object_count_error": Metric(
            "Objects: count error",
            smaller_is_better=True,
            share=False,
            meaning="how far the number of objects in an image is off",
        ),
    }
)

PIXEL_METRICS = ("iou", "f1", "precision", "recall", "accuracy", "average_precision")
OBJECT_METRICS = ("object_precision", "object_recall", "object_f1", "object_count_error")
FOREGROUND_ONLY = frozenset({"average_precision", *OBJECT_METRICS})


def metric_names(class_names: Sequence[str], background: int | None) -> list[str]:
    """Every name a score can have: means over the foreground first, then those of each class.

    Args:
        class_names: the classes in the order of their indices.
        background: index of the class that no mean counts; None where every class counts.

    Example:
        >>> metric_names(["background", "lake"], 0)[:3], metric_names(["background", "lake"], 0)[-1]
        (['iou', 'f1', 'precision'], 'object_count_error/lake')
    """
    metrics = (*PIXEL_METRICS, *OBJECT_METRICS)
    return list(metrics) + [
        f"{metric}/{name}"
        for metric in metrics
        for index, name in enumerate(class_names)
        if index != background or metric not in FOREGROUND_ONLY
    ]


def smaller_is_better(name: str) -> bool:
    """Whether a lower value of this score is the better one, as for errors in the number of objects."""
    return metric_of(name).smaller_is_better


def foreground_indices(classes: int, background: int | None) -> list[int]:
    """Indices of the classes that means are taken over."""
    return [index for index in range(classes) if index != background]


def flat_scores(scores: Mapping[str, Mapping[str, float]], foreground: Iterable[str]) -> dict[str, float]:
    """Scores by metric and class to flat names, the means over the foreground classes first.

    Args:
        scores: metric -> class -> value.
        foreground: the classes that a mean counts, those without a value left out.
    """
    counted = list(foreground)
    means = {metric: mean_of_defined(by[name] for name in counted if name in by) for metric, by in scores.items()}
    return means | {f"{metric}/{name}": value for metric, by in scores.items() for name, value in by.items()}


def mean_of_defined(values: Iterable[float]) -> float:
    """The mean of the values that are not NaN; NaN when there is none."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
