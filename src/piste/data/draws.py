"""Where the randomness of samples comes from: the seed, the epoch and the place in the split, and nothing else."""

from random import Random
from typing import final

import torch


@final
class Draws:
    """A generator for each sample of an epoch.

    What it draws depends on (seed, epoch, index) alone: not on the worker that asks, nor on the process-wide random
    state, which stays as it is. The epoch lives in shared memory, so that `set_epoch` reaches workers that outlive an
    epoch (`persistent_workers=True`), too; call it while no loader is iterating.

    Args:
        seed: what all of it follows from.

    Example:
        >>> draws = Draws(3)
        >>> first = draws.of(0).random()
        >>> draws.set_epoch(1)
        >>> draws.of(0).random() == first
        False
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    @property
    def epoch(self) -> int:
        """The epoch that is drawn."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is drawn next."""
        self._epoch.fill_(epoch)

    def of(self, index: int) -> Random:
        """The generator of a sample, from its beginning."""
        return Random(f"{self.seed}/{self.epoch}/{index}")
