"""Batches of a data set, shuffled by (seed, epoch) to train, in order to evaluate."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from piste.tasks.base.order import EpochOrder


def loader_of(
    dataset: Dataset[Any],
    collate: Callable[[list[Any]], Any],
    *,
    seed: int | None,
    workers: int,
    batch_size: int,
) -> DataLoader[Any]:
    """A loader that leaves the process's random state alone.

    A last batch of one image is left out while training where there are others: some networks normalise over a batch,
    and one image alone has no deviation. Which image it is changes with each epoch.

    Args:
        dataset: what is loaded.
        collate: makes a batch of samples.
        seed: of the order while training; None to evaluate, in order.
        workers: processes that read.
        batch_size: images a batch.
    """
    length = len(dataset)  # type: ignore[arg-type]
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=None if seed is None else EpochOrder(length, seed),
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
        drop_last=seed is not None and length > batch_size and length % batch_size == 1,
        generator=torch.Generator(),
    )
