"""Figures of what a regression model does: answers over truth, errors, and what quantiles are worth."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from piste.metrics.regression import Numbers
from piste.tasks.base.examined import Figure
from piste.tasks.regression.pictures import short

VALUES = 6  # that have a figure each
POINTS = 2000  # of a figure
BINS = 15


def figures(numbers: Numbers, values: Sequence[str], quantiles: Sequence[float] | None) -> list[Figure]:
    """What the report draws, the most telling first."""
    found: list[Figure] = [_points(numbers, v, name, quantiles) for v, name in enumerate(values[:VALUES])]
    if quantiles is not None:
        found.append(_shares(numbers, values, quantiles))
    return [*found, *(_errors(numbers, v, name) for v, name in enumerate(values[:VALUES]))]


def _points(numbers: Numbers, v: int, name: str, quantiles: Sequence[float] | None) -> Figure:
    """A point an image: what is so and what was said."""
    kept = np.unique(np.linspace(0, len(numbers.truth) - 1, POINTS).round().astype(int))
    shown = {"said": numbers.middle}
    lede = "A point an image; on the diagonal it is right, above it the answer is too high."
    if quantiles is not None:
        shown = {f"{quantiles[q]:g} quantile": q for q in sorted({0, numbers.middle, len(quantiles) - 1})}
        lede += " The outermost quantiles should have the diagonal between them."
    series = [
        {"name": label, "x": numbers.truth[kept, v].tolist(), "y": numbers.said[kept, v, q].tolist()}
        for label, q in shown.items()
    ]
    return {
        "kind": "points",
        "title": f"{name}: said and true",
        "lede": lede,
        "x": f"true {name}",
        "y": f"said {name}",
        "diagonal": True,
        "square": True,
        "series": series,
    }


def _shares(numbers: Numbers, values: Sequence[str], quantiles: Sequence[float]) -> Figure:
    """The share of true values below each quantile."""
    below = numbers.below()
    return {
        "kind": "lines",
        "title": "What its quantiles are worth",
        "lede": "The share of true values that lie below each quantile, over the share that should: on the diagonal "
        "they are right, above it the quantiles are too high.",
        "x": "should lie below",
        "y": "lie below",
        "x_range": [0, 1],
        "y_range": [0, 1.02],
        "diagonal": True,
        "series": [
            {"name": name, "x": list(quantiles), "y": below[v].tolist()} for v, name in enumerate(values[:VALUES])
        ],
    }


def _errors(numbers: Numbers, v: int, name: str) -> Figure:
    """How many images are how far off."""
    error = numbers.error[:, v]
    far = float(np.abs(error).max()) or 1.0
    counts, edges = np.histogram(error, bins=BINS, range=(-far, far))
    middles: list[Any] = ((edges[:-1] + edges[1:]) / 2).tolist()
    return {
        "kind": "bars",
        "title": f"{name}: how far off",
        "lede": "Images by the error of their answer; to the right it is too high.",
        "names": [short(middle) if abs(middle) > far / BINS / 10 else "0" for middle in middles],
        "series": [{"name": "images", "values": counts.tolist()}],
        "unit": "count",
    }
