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

    The batch size has no say in it: several processes that share a batch draw the same lines for it as one does.

    Args:
        widths: of the lines, in pixels.
        seed: of every order.
    """

    def __init__(self, widths: Sequence[int], seed: int) -> None:
        self.widths = tuple(widths)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(hash((self.seed, self.epoch)) % 2**63)
        return iter(by_width(self.widths, generator))

    def __len__(self) -> int:
        return len(self.widths)


def by_width(widths: Sequence[int], generator: torch.Generator) -> list[int]:
    """An order by chance, in which lines of about the same width follow each other.

    Batches of lines that differ much in width consist of padding for the most part. So lines are shuffled, cut into
    stretches, sorted by width within each, and cut into groups, which are shuffled again, as are the lines of each.

    Args:
        widths: of the lines, in pixels.
        generator: where all randomness comes from.
    """
    order = torch.randperm(len(widths), generator=generator)
    roughly = torch.tensor(widths) * (1.0 + ROUGH * torch.rand(len(widths), generator=generator))
    stretches = [part[roughly[part].argsort(stable=True)] for part in torch.split(order, STRETCH)]
    groups = torch.split(torch.cat(stretches), GROUP)
    chosen = [groups[place] for place in torch.randperm(len(groups), generator=generator).tolist()]
    mixed: list[int] = torch.cat([each[torch.randperm(len(each), generator=generator)] for each in chosen]).tolist()
    return mixed
