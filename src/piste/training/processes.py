"""Several processes that train one model together: who writes, what each of them sees, and how they agree.

Each process has the whole model and a share of every batch. After the backward pass the gradients are summed over all
of them, weighed by what each share counted, so that the step is that of one process on the whole batch. Where a run is
one process, everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast, final

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Sampler

T = TypeVar("T")


_gone = False
"""Whether this process has left the work to the main one."""


def part() -> bool:
    """Ends the work together, once all have come here; says whether this process goes on, alone: the main one does."""
    global _gone
    if _together():
        wait()
        _gone = not is_main()
        dist.destroy_process_group()
        for variable in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):  # or Accelerate would wait for others
            os.environ.pop(variable, None)
    return not _gone


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if _together() else 0


def is_main() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0 and not _gone


def wait() -> None:
    """Goes on when all have come here."""
    if _together():
        dist.barrier()


def agree(value: T) -> T:
    """What the main process has there."""
    if not _together():
        return value
    values = [value]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def main_first(act: Callable[[], T]) -> T:
    """What `act` returns, done by the main process before the others."""
    if is_main():
        done = act()
        wait()
        return done
    wait()
    return act()


def of_all(values: Sequence[T]) -> list[T]:
    """The values of all processes, one after the other."""
    if not _together():
        return list(values)
    found: list[Any] = [None] * count()
    dist.all_gather_object(found, list(values))
    return [value for each in found for value in each]


def rows_of_all(row: Tensor) -> Tensor:
    """The rows [K] of all processes as one tensor [processes, K]."""
    if not _together():
        return row.unsqueeze(0)
    rows = [torch.empty_like(row) for _ in range(count())]
    dist.all_gather(rows, row.contiguous())
    return torch.stack(rows)


def joined(own: Tensor, rows: Sequence[int]) -> Tensor:
    """The rows of all processes' tensors, those of one process after the other's; only its own have gradients.

    Args:
        own: this process's [rows, ...], on all processes alike but for the number of rows.
        rows: how many each has.
    """
    if own.shape[:1] != (rows[rank()],):
        raise ValueError(f"what is joined must have {rows[rank()]} samples along its first axis; got {list(own.shape)}")
    sent = own.new_zeros((max(rows), *own.shape[1:]))  # of one size for all
    sent[: len(own)] = own.detach()
    found = [torch.empty_like(sent) for _ in rows]
    dist.all_gather([_in_bytes(each) for each in found], _in_bytes(sent))
    whole = [each[:number] for each, number in zip(found, rows, strict=True)]
    whole[rank()] = own
    return torch.cat(whole)


def _in_bytes(tensor: Tensor) -> Tensor:
    """The same memory as numbers that every backend can send."""
    return tensor.view(-1).view(torch.uint8)


def sum_in_place(tensors: Sequence[Tensor]) -> None:
    """Makes each tensor the sum of all processes' own, in one transfer; all of them have one dtype."""
    if _together() and tensors:
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        torch._foreach_copy_(list(tensors), [part.view_as(own) for part, own in zip(parts, tensors, strict=True)])


class Rows(NamedTuple):
    """What processes have of a batch.

    Args:
        each: how many samples each of them has.
        copies: how many have the batch as it is: 1, or all where it has too few samples to be divided.
    """

    each: Sequence[int]
    copies: int

    @property
    def own(self) -> float:
        """What this process counts, of 1."""
        return self.each[rank()] / sum(self.each)


ALL_MINE = Rows([1], 1)
"""What one process alone has of its batches."""


@final
class Share(Sampler[list[int]]):
    """This process's share of the samples of each batch, or whole batches that are its share of all.

    Of a batch with fewer samples than processes, as the last may be, each has all.

    Args:
        batches: those of one process.
        whole: whether batches stay whole.
    """

    def __init__(self, batches: BatchSampler, *, whole: bool) -> None:
        self.batches = batches
        self.whole = whole

    def __iter__(self) -> Iterator[list[int]]:
        if self.whole:
            yield from islice(self.batches, rank(), None, count())
            return
        for batch in self.batches:
            yield batch[rank() :: count()] if len(batch) >= count() else batch

    def rows(self, batch: int) -> Rows:
        """Who has what of a batch that is divided, counted from 1."""
        size = self.batches.batch_size
        if batch == len(self) and not self.batches.drop_last:
            size = len(cast(Sized, self.batches.sampler)) % size or size
        if size < count():
            return Rows([size] * count(), count())
        return Rows([len(range(first, size, count())) for first in range(count())], 1)

    def __len__(self) -> int:
        return len(range(rank(), len(self.batches), count())) if self.whole else len(self.batches)


def shared(loader: DataLoader[Any], *, whole: bool) -> DataLoader[Any]:
    """A loader of this process's share.

    Args:
        loader: of all.
        whole: whether batches stay whole, as they do in validation, or each is divided.

    Raises:
        ValueError: a batch has fewer samples than there are processes.
    """
    if count() == 1:
        return loader
    batches: Any = loader.batch_sampler  # of torch, or of a task that groups samples in its own way to evaluate them
    if batches.batch_size < count():
        raise ValueError(
            f"`batch_size` is the number of samples in a step of all processes together and must be at least their "
            f"number, {count()}; got {batches.batch_size}"
        )
    assert whole or isinstance(batches, BatchSampler)
    return DataLoader(
        loader.dataset,
        batch_sampler=Share(batches, whole=whole),
        num_workers=loader.num_workers,
        persistent_workers=loader.persistent_workers,
        collate_fn=loader.collate_fn,
        generator=loader.generator,
    )


def _together() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
