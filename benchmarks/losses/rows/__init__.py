"""Every row, family by family; a new loss gets a row here or a test fails."""

from collections.abc import Callable, Iterator, Mapping

from ..row import Row
from . import adversarial, besides, boundaries, boxes, features, labels, regions, sequences, values

FAMILIES: Mapping[str, Callable[[bool], Iterator[Row]]] = {
    "labels": labels.rows,
    "regions": regions.rows,
    "masks and weights": besides.rows,
    "boundaries": boundaries.rows,
    "boxes": boxes.rows,
    "values": values.rows,
    "sequences": sequences.rows,
    "adversarial": adversarial.rows,
    "features": features.rows,
}
"""Families in the order in which they are measured and shown; with True their rows are small, for a try."""
