"""The order in which training lines are drawn: by chance, but lines of about the same width together."""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch.utils.data import Sampler

GROUP = 32
"""So many lines of like width follow each other."""
STRETCH = 16 * GROUP
"""So many lines, drawn by chance, are sorted by width among themselves."""
ROUGH = 0.2
"""Widths are taken to be up to so much larger, at random, so that few lines are not always the same batches."""


@final
class WidthOrder(Sampler[int]):
    """A new order for each epoch that follows from (seed, epoch) alone, so that a resumed run repeats it.

    Batches of lines that differ much in width consist of padding for the most part. So lines are shuffled, cut into
    stretches, sorted by width within each, and cut into groups, which are shuffled again, as are the lines of each.
    The batch size has no say in it: several processes that share a batch draw the same lines for it as one does.

    Args:
        widths: of the lines, in pixels.
        seed: of every order.
    """

    def __init__(self, widths: Sequence[int], seed: int) -> None:
        self.widths = torch.tensor(widths)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(hash((self.seed, self.epoch)) % 2**63)
        order = torch.randperm(len(self), generator=generator)
        roughly = self.widths * (1.0 + ROUGH * torch.rand(len(self), generator=generator))
        by_width = [part[roughly[part].argsort(stable=True)] for part in torch.split(order, STRETCH)]
        groups = torch.split(torch.cat(by_width), GROUP)
        for place in torch.randperm(len(groups), generator=generator).tolist():
            group = groups[place]
            yield from group[torch.randperm(len(group), generator=generator)].tolist()

    def __len__(self) -> int:
        return len(self.widths)
