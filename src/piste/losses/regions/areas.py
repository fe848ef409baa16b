"""True positives, false positives and false negatives of each class, as areas that probabilities weigh.

With hard labels they are the usual products. With soft labels the product form p * y has its best value at p = 1
although y = 1/2; here tp = min(p, y), fp = p - tp and fn = y - tp (Wang et al. 2023, arXiv:2302.05666), which equals
the product form for hard labels and is best at p = y for all.
"""

from typing import NamedTuple

from torch import Tensor


class Areas(NamedTuple):
    """Areas of each image and class, [N, C] each."""

    tp: Tensor
    fp: Tensor
    fn: Tensor


def over_space(x: Tensor) -> Tensor:
    """Sum [N, C, *S] over all positions, giving [N, C]."""
    return x.flatten(2).sum(2) if x.dim() > 2 else x


def areas_of_ids(probs: Tensor, index: Tensor, count: Tensor | None) -> Areas:
    """Areas where the target is class ids: a gather and two sums by class, no one-hot.

    Args:
        probs: [N, C, *S].
        index: [N, 1, *S], the class of each element.
        count: What each element counts, [N, 1, *S] or broadcasting to it; None for 1.
    """
    if count is not None:
        probs = probs * count
    hit = probs.gather(1, index)
    miss = (1 if count is None else count) - hit
    tp, fn = _sum_by_class(hit, index, probs.shape[1]), _sum_by_class(miss, index, probs.shape[1])
    fp = (over_space(probs) - tp).clamp(min=0)  # rounding may put the difference a little below 0
    return Areas(tp, fp, fn)


def areas_of_shares(probs: Tensor, truth: Tensor, count: Tensor | None) -> Areas:
    """Areas where the target is a share per class.

    Args:
        probs: [N, C, *S].
        truth: [N, C, *S], how much of each element is the class, in [0, 1].
        count: What each element counts, broadcasting to the same shape; None for 1.
    """
    if count is not None:
        probs, truth = probs * count, truth * count
    hit = probs.minimum(truth)
    return Areas(over_space(hit), over_space(probs - hit), over_space(truth - hit))


def _sum_by_class(values: Tensor, index: Tensor, classes: int) -> Tensor:
    """Sum [N, 1, *S] over the elements of each class, giving [N, C].

    Row by row first: a sum that grows one by one stops growing at 2**24 in float32.
    """
    row = index.shape[-1] if index.dim() > 2 else 1
    rows = index.reshape(index.shape[0], -1, row)
    partial = values.new_zeros(*rows.shape[:2], classes)
    return partial.scatter_add(2, rows, values.reshape(rows.shape)).sum(1)
