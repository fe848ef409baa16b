"""The names of the scores: what triggers, early stopping and `best` may refer to."""

import math
from collections.abc import Iterable, Mapping, Sequence

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
    return name.partition("/")[0] == "object_count_error"


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
