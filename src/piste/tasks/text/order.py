"""The order in which training lines are drawn: by chance, but lines of about the same width together."""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch.utils.data import Sampler

BATCHES = 16
"""So many batches' worth of lines, drawn by chance, are sorted by width among themselves."""


@final
class WidthOrder(Sampler[int]):
    """A new order for each epoch that follows from (seed, epoch) alone, so that a resumed run repeats it.

    Batches of lines that differ much in width consist of padding for the most part. So lines are shuffled, cut into
    stretches of some batches, sorted by width within each, and its batches are shuffled again.

    Args:
        widths: of the lines, in pixels.
        batch_size: lines in a batch.
        seed: of every order.
    """

    def __init__(self, widths: Sequence[int], batch_size: int, seed: int) -> None:
        self.widths = torch.tensor(widths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(hash((self.seed, self.epoch)) % 2**63)
        order = torch.randperm(len(self), generator=generator)
        stretches = [part[self.widths[part].argsort(stable=True)] for part in order.split(BATCHES * self.batch_size)]
        batches = torch.cat(stretches).split(self.batch_size)
        short = [] if len(batches[-1]) == self.batch_size else [batches[-1]]  # stays the last
        whole = batches[: len(batches) - len(short)]
        for place in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[place].tolist()
        for rest in short:
            yield from rest.tolist()

    def __len__(self) -> int:
        return len(self.widths)
