"""How often each class occurs: what class weights are computed from."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORE_INDEX = 255
"""The value of mask pixels that count for nothing."""


@dataclass(frozen=True)
class ClassCounts:
    """Frequencies of the classes in a set of masks, one number a class; ignored pixels are in none of them.

    Args:
        pixels: pixels of the class.
        images: images that hold at least one pixel of the class.
        image_pixels: pixels, of whatever class, in the images that hold the class (median frequency balancing
            divides `pixels` by these).
        total_images: images in all.
    """

    pixels: tuple[int, ...]
    images: tuple[int, ...]
    image_pixels: tuple[int, ...]
    total_images: int

    @property
    def shares(self) -> tuple[float, ...]:
        """Each class's share of the pixels, in [0, 1]; all 0 where there is no pixel."""
        total = sum(self.pixels)
        return tuple(count / total if total else 0.0 for count in self.pixels)


def count_classes(masks: Iterable[NDArray[np.uint8]], classes: int) -> ClassCounts:
    """Count the classes of masks of indices.

    Args:
        masks: indices in 0 … classes - 1, or `IGNORE_INDEX`.
        classes: number of classes.

    Example:
        >>> count_classes([np.array([[0, 0, 1, 255]], np.uint8), np.array([[0, 0]], np.uint8)], classes=2)
        ClassCounts(pixels=(4, 1), images=(2, 1), image_pixels=(5, 3), total_images=2)
    """
    found = [np.bincount(mask.ravel(), minlength=classes)[:classes] for mask in masks]
    table = np.array(found, dtype=np.int64).reshape(-1, classes)
    held = table > 0
    return ClassCounts(
        pixels=tuple(table.sum(axis=0).tolist()),
        images=tuple(held.sum(axis=0).tolist()),
        image_pixels=tuple((held * table.sum(axis=1, keepdims=True)).sum(axis=0).tolist()),
        total_images=len(table),
    )
