"""Figures of what a classifier does: confusion, classes, curves, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from piste.metrics.classification import Answers
from piste.tasks.base.examined import Figure

CONFUSED = 40  # classes that a confusion matrix is drawn of
CLASSES = 40  # classes that have a bar
CURVES = 8  # classes that have a curve
POINTS = 200  # of a curve


def figures(answers: Answers, classes: Sequence[str], scores: Mapping[str, float]) -> list[Figure]:
    """What the report draws, the most telling first."""
    found: list[Figure] = []
    if not answers.multi_label:
        found.append(_confusion(answers, classes))
    return [*found, _by_class(classes, scores), _curves(answers, classes, scores), _calibration(answers)]


def _confusion(answers: Answers, classes: Sequence[str]) -> Figure:
    """Images by class and answer; of many classes, those that are mistaken most."""
    counts = answers.truth.T.astype(np.int64) @ answers.chosen()
    wrong = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    worst = sorted(np.argsort(-wrong, kind="stable")[:CONFUSED].tolist())
    lede = "Rows are what an image shows, columns what it was taken for."
    if len(worst) < len(classes):
        lede += f" Of {len(classes)} classes, the {CONFUSED} that are mistaken most."
    return {
        "kind": "confusion",
        "title": "What is taken for what",
        "lede": lede,
        "names": [classes[c] for c in worst],
        "counts": counts[np.ix_(worst, worst)].tolist(),
    }


def _by_class(classes: Sequence[str], scores: Mapping[str, float]) -> Figure:
    """Precision and recall, the class with the lowest F1 first."""
    worst = sorted(classes, key=lambda name: _or(scores[f"f1/{name}"], 2.0))[:CLASSES]
    more = "" if len(worst) == len(classes) else f" Of {len(classes)} classes, the {CLASSES} worst."
    return {
        "kind": "bars",
        "title": "Class by class",
        "lede": "Precision: the share of its answers that are right. Recall: the share of its images found." + more,
        "names": worst,
        "series": [
            {"name": metric, "values": [_plain(scores[f"{metric}/{name}"]) for name in worst]}
            for metric in ("precision", "recall")
        ],
        "unit": "share",
    }


def _curves(answers: Answers, classes: Sequence[str], scores: Mapping[str, float]) -> Figure:
    """Precision over recall of the classes with the smallest area."""
    held = [i for i in range(len(classes)) if answers.truth[:, i].any()]
    worst = sorted(held, key=lambda i: scores[f"average_precision/{classes[i]}"])[:CURVES]
    series: list[dict[str, Any]] = []
    for i in worst:
        curve = answers.counts(i).curve()
        kept = sorted({round(place) for place in np.linspace(0, len(curve.recall) - 1, POINTS).tolist()})
        area = scores[f"average_precision/{classes[i]}"]
        series.append(
            {
                "name": f"{classes[i]} ({area:.2f})",
                "x": [curve.recall[place] for place in kept],
                "y": [curve.precision[place] for place in kept],
            }
        )
    which = "each class" if len(worst) == len(classes) else f"the {len(worst)} classes with the smallest area"
    return {
        "kind": "lines",
        "title": "Precision and recall at every threshold",
        "lede": f"Of {which}, against all others; in brackets the area, which is the average precision.",
        "x": "recall",
        "y": "precision",
        "x_range": [0, 1],
        "y_range": [0, 1.02],
        "series": series,
    }


def _calibration(answers: Answers) -> Figure:
    """What came true over what was promised."""
    found = answers.calibration()
    what = "labels that are there" if answers.multi_label else "answers that are right"
    return {
        "kind": "lines",
        "title": "What its confidence is worth",
        "lede": f"The share of {what}, over the probability given. Below the diagonal the model promises too much; "
        f"on average it is {100 * found.error():.1f} % off (expected calibration error).",
        "x": "probability given",
        "y": "came true",
        "x_range": [0, 1],
        "y_range": [0, 1.02],
        "diagonal": True,
        "series": [{"name": "this model", "x": found.confidence, "y": found.right}],
    }


def _or(value: float, other: float) -> float:
    return other if np.isnan(value) else value


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value
