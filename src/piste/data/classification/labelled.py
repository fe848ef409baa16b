"""Labelled images as a reader finds them, before they are split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from piste.data.pictures import Pictures
from piste.data.problems import DataError, Problem
from piste.data.table import Table
from piste.names import nearest


@dataclass(frozen=True)
class Labelled:
    """Images and their labels.

    Args:
        place: the folder or file that messages name.
        pictures: the images.
        classes: names in the order of their indices.
        labels: int64 [N], a class each; or bool [N, C], whether each image has each label.
        given: the places of the images in splits that the data come with; empty where they come with none.
        table: what a CSV file says besides, by which images may be split.
    """

    place: Path
    pictures: Pictures
    classes: tuple[str, ...]
    labels: NDArray[np.int64] | NDArray[np.bool_]
    given: Mapping[str, Sequence[int]] = field(default_factory=dict)
    table: Table | None = None

    @property
    def multi_label(self) -> bool:
        """Whether an image may have several labels or none."""
        return self.labels.ndim == 2


def settle_classes(named: Sequence[str] | None, found: set[str], place: Path) -> tuple[str, ...]:
    """The classes that a recipe names, or those found, sorted; numbers by their value.

    Raises:
        DataError: a class was found that the recipe does not name.
    """
    if named is None:
        numbers = all(name.removeprefix("-").isdecimal() for name in found)
        return tuple(sorted(found, key=lambda name: (int(name), name)) if numbers else sorted(found))
    for name in sorted(found - set(named)):
        raise DataError(
            Problem(place, f"holds the class {name}, which data.classes does not name; {nearest(name, named)}")
        )
    return tuple(named)


def settle_numbers(named: Sequence[str] | None, numbers: NDArray[np.integer], place: Path) -> tuple[str, ...]:
    """The names of the classes 0, 1, 2, …, as the recipe gives them or as numbers.

    Raises:
        DataError: there are more classes than names.
    """
    count = int(numbers.max()) + 1
    if named is None:
        return tuple(map(str, range(count)))
    if count > len(named):
        raise DataError(Problem(place, f"holds the class {count - 1}, and data.classes names {len(named)}, from 0 on"))
    return tuple(named)
