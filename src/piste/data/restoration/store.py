"""Decoded pairs: read when asked for, or all at once and kept in memory."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from piste.data.images import read_image
from piste.data.problems import DataError, Problem
from piste.data.restoration.folder import Pair
from piste.data.store import CACHE_MB


def read_picture(pair: Pair, window: tuple[float, float] | None) -> tuple[Tensor | None, Tensor]:
    """Input and target of a pair, uint8 [3, H, W]; None for an input that is made of the target.

    Raises:
        DataError: one of the files can't be read, or is not of the size that its header says.
    """
    target = _pixels(read_image(pair.target, window))[:, : pair.size[0], : pair.size[1]].contiguous()
    if pair.input is None:
        return None, target
    given = _pixels(read_image(pair.input, window))
    if (given.shape[1] * pair.scale, given.shape[2] * pair.scale) != pair.size:
        raise DataError(Problem(pair.input, "changed its size since it was looked at; start again"))
    return given, target


def _pixels(image: object) -> Tensor:
    return torch.as_tensor(image).permute(2, 0, 1).contiguous()


@final
class PairStore:
    """The pairs of a split, by index.

    With `cached` all of them are read at once, so that a broken file shows before training starts, into one block of
    memory, which forked workers share and others map; otherwise each is read whenever it is asked for.
    """

    def __init__(self, pairs: Sequence[Pair], window: tuple[float, float] | None, cached: bool) -> None:
        self.pairs = pairs
        self.window = window
        self._block: Tensor | None = None
        self._starts: list[int] = []
        if cached:
            parts: list[Tensor] = []
            start = 0
            for pair in pairs:
                self._starts.append(start)
                for image in read_picture(pair, window):
                    if image is not None:
                        parts.append(image.flatten())
                        start += image.numel()
            self._block = torch.cat(parts)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor | None, Tensor]:
        """Input and target, uint8 [3, H, W]; not to be changed in place; None for an input made of the target."""
        pair = self.pairs[index]
        if self._block is None:
            return read_picture(pair, self.window)
        height, width = pair.size
        start, given = self._starts[index], None
        if pair.input is not None:
            small = 3 * (height // pair.scale) * (width // pair.scale)
            given = self._block[start : start + small].view(3, height // pair.scale, width // pair.scale)
            start += small
        return given, self._block[start : start + 3 * height * width].view(3, height, width)


def fits_in_memory(pairs: Sequence[Pair]) -> bool:
    """Whether `cache: auto` keeps these pairs: three bytes a pixel of every target, and of every input with a file."""
    size = sum(3 * pair.size[0] * pair.size[1] * (1 + (pair.input is not None) / pair.scale**2) for pair in pairs)
    return size <= CACHE_MB * 2**20
