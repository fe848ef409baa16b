"""Masks of independent labels: a file a label, read as the combinations of labels that occur in a data set.

A pixel may have several labels, or none. Each combination has a code, so that one plane of bytes holds them all, and
samples are kept, cut and turned like those with a class a pixel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.balance import ClassCounts
from piste.data.counts import IGNORE_INDEX
from piste.data.distance import distance_maps
from piste.data.masks import read_values
from piste.data.problems import DataError, Problem

MOST_CODES = IGNORE_INDEX
NO, YES = 0, 1
IN_COLOUR = "is a mask in colour, but says of one label yes or no; save it as grey, 0 for no"


@dataclass(frozen=True)
class LabelMasks:
    """The masks of one image.

    Args:
        files: of each label, in their order.
    """

    files: tuple[Path, ...]

    def states(self, ignore: Sequence[int]) -> NDArray[np.uint8]:
        """What each label is in each pixel: `NO` (where the file has 0), `YES` or `IGNORE_INDEX`, [K, H, W].

        Args:
            ignore: values that count for nothing.

        Raises:
            DataError: a file is broken, or of a kind that can't hold values.
        """
        planes = []
        for path in self.files:
            values = read_values(path, colours=False, white=1, in_colour=IN_COLOUR)
            plane = (values != 0).astype(np.uint8)
            plane[np.isin(values, list(ignore))] = IGNORE_INDEX
            planes.append(plane)
        return np.stack(planes)


@final
class Combinations:
    """The combinations of labels that occur in a data set; the first has none of them.

    Args:
        keys: what each is, as a number in base 3 whose digits are the labels, the first the lowest: 0 for no, 1 for
            yes, 2 for what counts for nothing.
        labels: how many labels there are.
        ignore: values of masks that count for nothing.
    """

    def __init__(self, keys: Sequence[int], labels: int, ignore: Sequence[int]) -> None:
        self.keys = tuple(keys)
        self.labels = labels
        self.ignore = tuple(ignore)

    @classmethod
    def found(cls, masks: Iterable[LabelMasks], labels: int, ignore: Sequence[int], folder: Path) -> Self:
        """Those of all masks.

        Args:
            masks: of every image.
            labels: how many there are.
            ignore: values that count for nothing.
            folder: of the masks, for the message.

        Raises:
            DataError: a mask can't be read, or there are more combinations than codes.
        """
        keys = {0}
        for each in masks:
            keys.update(np.unique(_keys(each.states(ignore))).tolist())
        keys.discard(_nothing_counts(labels))
        if len(keys) > MOST_CODES:
            cure = f"{MOST_CODES} can be told apart; name fewer data.labels, or train them apart"
            raise DataError(Problem(folder, f"hold {len(keys)} combinations of labels in their pixels, and {cure}"))
        return cls(sorted(keys), labels, ignore)

    def read(self, masks: LabelMasks) -> NDArray[np.uint8]:
        """The code of each pixel of an image, `IGNORE_INDEX` where no label counts: [H, W].

        Raises:
            DataError: a mask can't be read, or holds a combination that it did not hold before.
        """
        states = masks.states(self.ignore)
        keys, known = _keys(states), np.array(self.keys)
        places = np.searchsorted(known, keys).clip(max=len(known) - 1)
        nothing = keys == _nothing_counts(self.labels)
        if ((known[places] != keys) & ~nothing).any():
            raise DataError(Problem(masks.files[0], "or the mask of another label has changed since it was first read"))
        codes: NDArray[np.uint8] = places.astype(np.uint8)
        codes[nothing] = IGNORE_INDEX
        return codes

    @cached_property
    def table(self) -> Tensor:
        """What each label is in each code, uint8 [256, K]; codes that stand for nothing are ignored."""
        table = torch.full((256, self.labels), IGNORE_INDEX, dtype=torch.uint8)
        for code, key in enumerate(self.keys):
            for label in range(self.labels):
                table[code, label] = (NO, YES, IGNORE_INDEX)[key // 3**label % 3]
        return table

    def states(self, codes: Tensor) -> Tensor:
        """What each label is in each pixel, uint8 [..., K, H, W], from codes [..., H, W]."""
        return self.table.to(codes.device)[codes.long()].movedim(-1, -3)

    def count(self, masks: Iterable[NDArray[np.uint8]]) -> ClassCounts:
        """How often each label occurs in masks of codes, where it counts; the total is of pixels with any that does."""
        table = self.table.numpy().astype(np.int64)
        found = [np.bincount(mask.ravel(), minlength=256) for mask in masks]
        rows = np.array(found, dtype=np.int64).reshape(-1, 256)
        yes, counted = rows @ (table == YES), rows @ (table != IGNORE_INDEX)
        held = yes > 0
        return ClassCounts(
            pixels=tuple(yes.sum(axis=0).tolist()),
            images=tuple(held.sum(axis=0).tolist()),
            containing=tuple((held * counted).sum(axis=0).tolist()),
            total=int(rows[:, :IGNORE_INDEX].sum()),
        )

    def distance_maps(self, codes: Tensor) -> Tensor:
        """Signed distance of each pixel [H, W] to the outline of each label: float32 [K, H, W]."""
        return torch.cat([distance_maps(state.long(), classes=[YES]) for state in self.states(codes)])


def _keys(states: NDArray[np.uint8]) -> NDArray[np.int64]:
    digits = np.minimum(states, 2).astype(np.int64)
    keys: NDArray[np.int64] = np.tensordot(3 ** np.arange(len(states), dtype=np.int64), digits, axes=1)
    return keys


def _nothing_counts(labels: int) -> int:
    """The key of pixels that count for no label."""
    return int(3**labels - 1)
