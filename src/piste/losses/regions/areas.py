"""True positives, false positives and false negatives of each class, as areas that probabilities weigh.

With hard labels they are the usual products. With soft labels the product form p * y has its best value at p = 1
although y = 1/2; here tp = min(p, y), fp = p - tp and fn = y - tp (Wang et al. 2023, arXiv:2302.05666), which equals
the product form for hard labels and is best at p = y for all.
"""

from functools import partial
from math import prod
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from piste.losses.elements import Activation
from piste.losses.regions.sums import Space, Summand, sum_by, summed


class Areas(NamedTuple):
    """Areas of each image and class, [N, C] each."""

    tp: Tensor
    fp: Tensor
    fn: Tensor


def over_space(x: Tensor) -> Tensor:
    """Sum [N, C, *S] over all positions, giving [N, C]."""
    return x.flatten(2).sum(2) if x.dim() > 2 else x


def amount(count: Tensor | None, logits: Tensor) -> Tensor:
    """Sum of what the elements of each image count: [N, 1], or [N, C] if that differs by class."""
    if count is None:
        return logits.new_full((logits.shape[0], 1), prod(logits.shape[2:]))
    return over_space(count.to(logits.dtype).expand(logits.shape[0], -1, *logits.shape[2:]))


def areas_of_ids(logits: Tensor, index: Tensor, count: Tensor | None) -> Areas:
    """Areas under a softmax where the target is class ids: a gather and sums by class, no one-hot.

    Args:
        logits: [N, C, *S].
        index: [N, 1, *S], the class of each element.
        count: What each element counts, [N, 1, *S] or broadcasting to it; None for 1.
    """
    tp, predicted, there = summed(_OF_IDS, logits, index, count)
    # rounding may put a difference a little below 0
    return Areas(tp, (predicted - tp).clamp(min=0), (there - tp).clamp(min=0))


def areas_of_shares(logits: Tensor, truth: Tensor, count: Tensor | None, activation: Activation) -> Areas:
    """Areas where the target is a share per class.

    Args:
        logits: [N, C, *S].
        truth: [N, C, *S], how much of each element is the class, in [0, 1], or whether it is.
        count: What each element counts, broadcasting to the same shape; None for 1.
        activation: What makes probabilities of the logits.
    """
    return Areas(*summed(_OF_SHARES[activation], logits, truth, count))


def _plain_of_ids(logits: Tensor, index: Tensor, count: Tensor | None) -> Tensor:
    """Area of each class that is predicted and true, that is predicted, and that is true."""
    probs, truth = logits.softmax(1), index == torch.arange(logits.shape[1], device=logits.device).unsqueeze(1)
    counts = probs.new_ones(()) if count is None else count
    probs = probs * counts
    return torch.stack((probs.where(truth, 0).sum(2), probs.sum(2), counts.where(truth, 0).sum(2)))


def _sums_of_ids(logits: Tensor, index: Tensor, count: Tensor | None, notes: Tensor, space: Space) -> Tensor:
    powers = _powers(logits, notes, space[0])
    share = notes[1] if count is None else notes[1] * count  # powers times this are probabilities times what counts
    counts = torch.ones_like(index, dtype=logits.dtype) if count is None else count
    tp, there = (sum_by(index, each, logits.shape[1]).squeeze(1) for each in (powers.gather(1, index) * share, counts))
    return torch.stack((tp, _dot(powers, share), there))


def _slope_of_ids(
    logits: Tensor,
    index: Tensor,
    count: Tensor | None,
    notes: Tensor,
    grad: Tensor,
    space: Space,
    out: Tensor,
) -> None:
    """With g the slope of the loss by p, that by the logits is p (g - sum p g)."""
    of_tp, of_predicted, _ = grad.unsqueeze(-1)
    probs = _softmax_again(logits, notes, space[0])
    of_truth = of_tp.expand(-1, -1, index.shape[2]).gather(1, index).mul_(probs.gather(1, index))
    mean = _dot(probs.transpose(1, 2), of_predicted.transpose(1, 2)).unsqueeze(1).add_(of_truth)
    torch.sub(of_predicted, mean, out=out).mul_(probs).scatter_add_(1, index, of_truth)
    if count is not None:
        out.mul_(count)


def _powers(logits: Tensor, notes: Tensor, out: Tensor) -> Tensor:
    """Probabilities but for a factor; and a note of the largest logit and of the factor."""
    most, share = notes
    torch.amax(logits, 1, keepdim=True, out=most)
    torch.sum(torch.sub(logits, most, out=out).exp_(), 1, keepdim=True, out=share).reciprocal_()
    return out


def _softmax(logits: Tensor, notes: Tensor, out: Tensor) -> Tensor:
    """Probabilities, and a note of how they are made again."""
    return _powers(logits, notes, out).mul_(notes[1])


def _softmax_again(logits: Tensor, notes: Tensor, out: Tensor) -> Tensor:
    """Probabilities, by what was noted of them."""
    return torch.sub(logits, notes[0], out=out).exp_().mul_(notes[1])


def _plain_of_shares(activation: Activation, logits: Tensor, truth: Tensor, count: Tensor | None) -> Tensor:
    """Area of each class that is predicted and true, that is predicted only, and that is true only."""
    probs = logits.softmax(1) if activation == "softmax" else logits.sigmoid()
    truth = truth.to(logits.dtype)
    if count is not None:
        probs, truth = probs * count, truth * count
    hit = probs.minimum(truth)
    return torch.stack((hit.sum(2), (probs - hit).sum(2), (truth - hit).sum(2)))


def _sums_of_shares(
    activation: Activation, logits: Tensor, truth: Tensor, count: Tensor | None, notes: Tensor, space: Space
) -> Tensor:
    truth, hit = _copied(truth, space[1]), space[2]
    probs = _softmax(logits, notes, space[0]) if activation == "softmax" else torch.sigmoid(logits, out=space[0])
    if count is not None:
        probs, truth = probs.mul_(count), truth.mul_(count)
    torch.minimum(probs, truth, out=hit)
    return torch.stack((hit.sum(2), probs.sub_(hit).sum(2), truth.sub_(hit).sum(2)))


def _slope_of_shares(
    activation: Activation,
    logits: Tensor,
    truth: Tensor,
    count: Tensor | None,
    notes: Tensor,
    grad: Tensor,
    space: Space,
    out: Tensor,
) -> None:
    """An element of p < y is a hit as far as p reaches, and a miss beyond; one of p >= y is a false alarm beyond y."""
    of_tp, of_fp, of_fn = grad.unsqueeze(-1)
    softmax, below = activation == "softmax", space[2]
    probs = _softmax_again(logits, notes, space[0]) if softmax else torch.sigmoid(logits, out=space[0])
    torch.lt(probs, _copied(truth, space[1]), out=below)
    slope = torch.addcmul(of_fp, below, of_tp - of_fn - of_fp, out=space[1])
    if softmax:
        slope.sub_(torch.mul(slope, probs, out=below).sum(1, keepdim=True))
    else:
        slope.addcmul_(slope, probs, value=-1)
    torch.mul(slope, probs, out=out)
    if count is not None:
        out.mul_(count)


def _dot(rows: Tensor, weight: Tensor) -> Tensor:
    """Sum over the last axis of [N, R, K] times a weight [N, 1, K], giving [N, R]."""
    if len(rows) == 1 and rows.device.type == "cpu":
        return rows[0].mv(weight[0, 0]).unsqueeze(0)  # which no autocast and no setting of precision shortens there
    return (rows * weight).sum(2)


def _copied(truth: Tensor, out: Tensor) -> Tensor:
    return out.copy_(truth.view(torch.uint8) if truth.dtype == torch.bool else truth)


_OF_IDS = Summand(_plain_of_ids, _sums_of_ids, _slope_of_ids, notes=2)
_OF_SHARES = {
    activation: Summand(
        partial(_plain_of_shares, activation),
        partial(_sums_of_shares, activation),
        partial(_slope_of_shares, activation),
        notes=2 if activation == "softmax" else 0,
    )
    for activation in get_args(Activation)
}
