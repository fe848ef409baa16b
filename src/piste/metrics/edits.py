"""How far one sequence is from another: the fewest insertions, deletions and changes that turn one into the other."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PAD = -1
"""What fills up a row of ids behind its end."""


class Pair(NamedTuple):
    """One place of an alignment: what stands there in the truth and in what was read, None where nothing does."""

    truth: str | None
    read: str | None


def edit_distances(read: Tensor, truth: Tensor) -> Tensor:
    """The edit distance of each row, all rows at once.

    Args:
        read: int [N, R], ids, each row filled up with `PAD`.
        truth: int [N, L], the same.

    Returns:
        int64 [N].

    Example:
        >>> edit_distances(torch.tensor([[1, 2, 3], [1, PAD, PAD]]), torch.tensor([[1, 3], [PAD, PAD]]))
        tensor([1, 1])
    """
    place = torch.arange(truth.shape[1] + 1, device=truth.device)
    row = place.expand(len(truth), -1)  # from nothing to each beginning of the truth
    for char in read.unsqueeze(2).unbind(1):
        changed = row[:, :-1] + (char != truth)
        longer = torch.cat([row[:, :1] + 1, torch.minimum(changed, row[:, 1:] + 1)], 1)
        # what the truth has and the reading lacks costs 1 a place: min over k <= j of longer[k] + j - k
        longer = (longer - place).cummin(1).values + place
        row = torch.where(char != PAD, longer, row)
    return row.gather(1, (truth != PAD).sum(1, keepdim=True)).squeeze(1)


def words_of(ids: Tensor, space: int | None) -> Tensor:
    """A number for each word of each row, equal for equal words.

    Args:
        ids: int [N, L], characters, each row filled up with `PAD`.
        space: the id of the space, None where there is none, so that each row is one word. Several count as one.

    Returns:
        int64 [N, W], each row filled up with `PAD`. A number is a sum of 63 bits over characters and their places, so
        that two different words share one once in 10^18 pairs.
    """
    inside = (ids != PAD) if space is None else (ids != PAD) & (ids != space)
    starts = inside & ~F.pad(inside, (1, 0))[:, :-1]
    word = starts.cumsum(1) - 1
    place = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    first = torch.where(starts, place, 0).cummax(1).values if ids.shape[1] else place
    shares = _mixed(_mixed(ids.long() + 1) + place - first)
    totals = ids.new_zeros(len(ids), ids.shape[1] + 1, dtype=torch.int64)
    totals.scatter_add_(1, torch.where(inside, word, ids.shape[1]), shares)
    totals = totals[:, :-1] & (2**63 - 1)
    return totals.masked_fill(place >= starts.sum(1, keepdim=True), PAD)


def _mixed(values: Tensor) -> Tensor:
    """Integers scattered over 64 bits (the finisher of SplitMix64, with signed shifts)."""
    values = values * -7046029254386353131
    values = (values ^ (values >> 30)) * -4658895280553007687
    values = (values ^ (values >> 27)) * -7723592293110705685
    return values ^ (values >> 31)


def align(read: Sequence[str], truth: Sequence[str]) -> list[Pair]:
    """The places of truth and reading beside each other, with as few that differ as there can be.

    Example:
        >>> [tuple(pair) for pair in align("cat", "coat")]
        [('c', 'c'), ('o', None), ('a', 'a'), ('t', 't')]
    """
    costs = [list(range(len(truth) + 1))]
    for i, char in enumerate(read, start=1):
        above, row = costs[-1], [i]
        for j, true in enumerate(truth, start=1):
            row.append(min(above[j - 1] + (char != true), above[j] + 1, row[j - 1] + 1))
        costs.append(row)
    pairs, i, j = [], len(read), len(truth)
    while i or j:
        here = costs[i][j]
        if i and j and here == costs[i - 1][j - 1] + (read[i - 1] != truth[j - 1]):
            i, j = i - 1, j - 1
            pairs.append(Pair(truth[j], read[i]))
        elif i and here == costs[i - 1][j] + 1:
            i -= 1
            pairs.append(Pair(None, read[i]))
        else:
            j -= 1
            pairs.append(Pair(truth[j], None))
    return pairs[::-1]
