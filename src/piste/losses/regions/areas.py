"""True positives, false positives and false negatives of each class, as areas that probabilities weigh.

With hard labels they are the usual products. With soft labels the product form p * y has its best value at p = 1
although y = 1/2; here tp = min(p, y), fp = p - tp and fn = y - tp (Wang et al. 2023, arXiv:2302.05666), which equals
the product form for hard labels and is best at p = y for all.
"""

from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Areas(NamedTuple):
    """Areas of each image and class, [N, C] each."""

    tp: Tensor
    fp: Tensor
    fn: Tensor


def over_space(x: Tensor) -> Tensor:
    """Sum [N, C, *S] over all positions, giving [N, C]."""
    return x.flatten(2).sum(2) if x.dim() > 2 else x


def areas_of_ids(logits: Tensor, index: Tensor, count: Tensor | None) -> Areas:
    """Areas under a softmax where the target is class ids: a gather and sums by class, no one-hot.

    Args:
        logits: [N, C, *S].
        index: [N, 1, *S], the class of each element.
        count: What each element counts, [N, 1, *S] or broadcasting to it; None for 1.
    """
    _, predicted, tp = _SoftmaxAreas.apply(logits, index, count)
    each = logits.new_ones(()) if count is None else count
    there = _sum_by_class(each.expand(index.shape), index, logits.shape[1])
    # rounding may put a difference a little below 0
    return Areas(tp, (predicted - tp).clamp(min=0), (there - tp).clamp(min=0))


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


class _SoftmaxAreas(torch.autograd.Function):
    """What each element counts as each class, the area predicted to be each class, and the part of it that is.

    The areas are linear in the probabilities, so their gradient goes through the softmax in one tensor of the size of
    the logits, where autograd would fill several and take 1.4 times as long (19 classes, 512 x 512, CPU).
    """

    @staticmethod
    def forward(logits: Tensor, index: Tensor, count: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        shares = logits.softmax(1)
        if count is not None:
            shares.mul_(count)
        return shares, over_space(shares), _sum_by_class(shares.gather(1, index), index, shares.shape[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.save_for_backward(*inputs[1:], output[0])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor, None, None]:
        index, count, shares = ctx.saved_tensors
        none = shares.new_zeros(shares.shape[:2])
        of_predicted, of_tp = (none if slope is None else slope for slope in slopes[1:])
        of_predicted = of_predicted.view(*none.shape, *[1] * (shares.dim() - 2))
        of_truth = of_tp.gather(1, index.flatten(1)).view(index.shape)
        slope = (shares * of_predicted).scatter_add_(1, index, shares.gather(1, index) * of_truth)
        if slopes[0] is not None:  # when differentiated twice
            slope = slope + shares * slopes[0]
        total = slope.sum(1, keepdim=True)
        if count is not None:
            total = total / count.clamp(min=torch.finfo(count.dtype).tiny)
        return slope.addcmul_(shares, total, value=-1), None, None


def _sum_by_class(values: Tensor, index: Tensor, classes: int) -> Tensor:
    """Sum [N, 1, *S] over the elements of each class, giving [N, C].

    Row by row first: a sum that grows one by one stops growing at 2**24 in float32.
    """
    rows = index.unsqueeze(1)
    if index.dim() > 2:
        rows = index.reshape(index.shape[0], prod(index.shape[2:-1]), index.shape[-1])
    partial = values.new_zeros(*rows.shape[:2], classes)
    return partial.scatter_add(2, rows, values.reshape(rows.shape)).sum(1)
