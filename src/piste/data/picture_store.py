"""The images of a split: read when asked for, or all at once and kept in memory."""

from collections.abc import Sequence
from random import Random
from typing import final

import torch
from torch import Tensor

from piste.data.augment import Pipeline
from piste.data.pictures import Pictures
from piste.data.store import CACHE_MB


@final
class PictureStore:
    """Images by their place in a split, after what the recipe prepares.

    With `cached` all of them are read at once, so that a broken file shows before training starts, into one block of
    memory, which forked workers share and others map.

    Args:
        pictures: where they come from.
        indices: which of them, in order.
        prepare: what is done to every image, the same each time.
        cached: whether they are kept in memory.
    """

    def __init__(self, pictures: Pictures, indices: Sequence[int], prepare: Pipeline, cached: bool) -> None:
        self.pictures = pictures
        self.indices = tuple(indices)
        self.prepare = prepare
        self._block: Tensor | None = None
        self._places: list[tuple[int, int, int]] = []
        if cached and not (pictures.in_memory and not prepare.steps):
            parts, start = [], 0
            for image in map(self._read, self.indices):
                self._places.append((start, image.shape[1], image.shape[2]))
                start += image.numel()
                parts.append(image.flatten())
            self._block = torch.cat(parts)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Tensor:
        """An image, uint8 [3, H, W]; not to be changed in place."""
        if self._block is None:
            return self._read(self.indices[place])
        start, height, width = self._places[place]
        return self._block[start : start + 3 * height * width].view(3, height, width)

    def name(self, place: int) -> str:
        """What an image is called."""
        return self.pictures.names[self.indices[place]]

    def _read(self, index: int) -> Tensor:
        return self.prepare.image(self.pictures.read(index), Random(0))


def pictures_fit_in_memory(pictures: Pictures, indices: Sequence[int]) -> bool:
    """Whether `cache: auto` keeps these images: three bytes a pixel."""
    return sum(3 * pictures.sizes[i][0] * pictures.sizes[i][1] for i in indices) <= CACHE_MB * 2**20
