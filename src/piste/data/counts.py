"""How often each class occurs in masks: what class weights are computed from."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from piste.balance import ClassCounts

IGNORE_INDEX = 255
"""The value of mask pixels that count for nothing."""


def count_classes(masks: Iterable[NDArray[np.uint8]], classes: int) -> ClassCounts:
    """Count the classes of masks of indices; ignored pixels are in none of the counts.

    Args:
        masks: indices in 0 … classes - 1, or `IGNORE_INDEX`.
        classes: number of classes.

    Example:
        >>> count_classes([np.array([[0, 0, 1, 255]], np.uint8), np.array([[0, 0]], np.uint8)], classes=2)
        ClassCounts(pixels=(4, 1), images=(2, 1), containing=(5, 3), total=5)
    """
    found = [np.bincount(mask.ravel(), minlength=classes)[:classes] for mask in masks]
    table = np.array(found, dtype=np.int64).reshape(-1, classes)
    held = table > 0
    return ClassCounts(
        pixels=tuple(table.sum(axis=0).tolist()),
        images=tuple(held.sum(axis=0).tolist()),
        containing=tuple((held * table.sum(axis=1, keepdims=True)).sum(axis=0).tolist()),
        total=int(table.sum()),
    )
