"""What a loss costs that is a price of the truth's probability: plainly, and a block at a time with its slope.

The price is phi of log p; its pace, how fast it falls, is -phi'. The slopes by the logits follow by hand: with
softmax log p_t has the slope y_c - p_c by the logit of class c, with sigmoid log p has 1 - p. Each function below makes
the plain formula, for autograd and the compiler, and beside it the one for `reduce_in_blocks`.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.blocks import Plain, Priced
from piste.losses.elements import as_numbers

_NOTHING = -(2**31)
"""An ignore_index that no target holds: a stray -100 raises instead of vanishing."""

Phi = Callable[[Tensor], Tensor]
"""log p -> cost, by operations that autograd can differentiate."""

Pace = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor | float]]
"""(log p, log(1 - p) or None where it is not known), its own to change -> cost, and minus its derivative by log p."""

Sides = Callable[[Tensor], tuple[float | Tensor, float | Tensor] | None]
"""Logits -> factors on the price of negatives and of positives, that broadcast to them."""


def log_prob(logits: Tensor, index: Tensor) -> Tensor:
    """Log-probability [N, *S] of the true class."""
    return -F.cross_entropy(logits, index, reduction="none", ignore_index=_NOTHING)


def of_class(phi: Phi, pace: Pace) -> tuple[Plain, Priced]:
    """(logits [N, C, *S], index [N, *S]) -> cost [N, *S]: the price of the true class."""

    def plain(logits: Tensor, index: Tensor) -> Tensor:
        return phi(log_prob(logits, index))

    def priced(logits: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        index = index.unsqueeze(1)
        probs = logits - logits.amax(1, keepdim=True)
        log_p = probs.gather(1, index)
        total = probs.exp_().sum(1, keepdim=True)
        cost, fall = pace(log_p.sub_(total.log()), None)
        return cost.squeeze(1), probs.mul_(fall / total).scatter_add_(1, index, torch.full_like(log_p, -1) * fall)

    return plain, priced


def of_shares(phi: Phi, pace: Pace, spread: Callable[[Tensor, Tensor], Tensor]) -> tuple[Plain, Priced]:
    """(logits, truth) -> cost [N, *S]: the price of each class times its share, [N, C, *S] = spread(truth, logits)."""

    def plain(logits: Tensor, truth: Tensor) -> Tensor:
        return (spread(truth, logits) * phi(F.log_softmax(logits, 1))).sum(1)

    def priced(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        shares = spread(truth, logits)
        log_p = logits - logits.amax(1, keepdim=True)
        log_p.sub_(log_p.exp().sum(1, keepdim=True).log_())
        probs = log_p.exp()
        cost, fall = pace(log_p, None)
        fall = shares * fall
        return cost.mul_(shares).sum(1), probs.mul_(fall.sum(1, keepdim=True)).sub_(fall)

    return plain, priced


def no_sides(logits: Tensor) -> None:
    """The same price for negatives and positives."""


def of_label(phi: Phi, pace: Pace, sides: Sides = no_sides) -> tuple[Plain, Priced]:
    """(logits [N, C, *S], truth, bool) -> cost [N, C, *S]: the price of each label, that of its side times a factor."""

    def plain(logits: Tensor, truth: Tensor) -> Tensor:
        cost = phi(F.logsigmoid(torch.where(truth, logits, -logits)))
        factors = sides(logits)
        return cost if factors is None else cost * (factors[0] + (factors[1] - factors[0]) * truth.to(cost.dtype))

    def priced(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        truth = as_numbers(truth, logits)
        turned = torch.addcmul(logits, logits, truth, value=-2)  # -x for a positive
        log_q, log_p = log_sigmoids(turned, out=turned)
        slope = log_q.exp()
        cost, fall = pace(log_p, log_q)
        slope = _times(slope, fall)
        factors = sides(logits)
        if factors is not None:
            factor = truth * (factors[1] - factors[0]) + factors[0]
            cost, slope = cost.mul_(factor), slope.mul_(factor)
        return cost, slope.addcmul_(slope, truth, value=-2)

    return plain, priced


def of_label_shares(phi: Phi, pace: Pace, sides: Sides, label_smoothing: float) -> tuple[Plain, Priced]:
    """As `of_label` for a truth in [0, 1], smoothed: the price of yes times its share, and of no times the rest."""

    def spread(truth: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        yes = truth + label_smoothing * (0.5 - truth) if label_smoothing else truth
        no, factors = 1 - yes, sides(logits)
        return (no, yes) if factors is None else (no * factors[0], yes * factors[1])

    def plain(logits: Tensor, truth: Tensor) -> Tensor:
        no, yes = spread(truth, logits)
        return yes * phi(F.logsigmoid(logits)) + no * phi(F.logsigmoid(-logits))

    def priced(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        no, yes = spread(truth, logits)
        log_p, log_q = log_sigmoids(logits)
        p, q = log_p.exp(), log_q.exp()
        cost_no, fall_no = pace(log_q.clone(), log_p.clone())
        cost, fall = pace(log_p, log_q)
        slope = _times(p.mul_(no), fall_no).sub_(_times(q.mul_(yes), fall))
        return cost.mul_(yes).addcmul_(cost_no, no), slope

    return plain, priced


def _times(x: Tensor, factor: Tensor | float) -> Tensor:
    """A tensor times a factor, in place; a pass over it is saved for 1."""
    return x.mul_(factor) if isinstance(factor, Tensor) or factor != 1 else x


def log_sigmoids(logits: Tensor, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Log p and log(1 - p), new tensors; the second into `out`, which may be the logits."""
    # log p = min(x, 0) - log(1 + exp(-|x|)), log(1 - p) = log p - x
    log_p = logits.clamp(max=0).sub_(logits.abs().neg_().exp_().log1p_())
    return log_p, torch.sub(log_p, logits, out=out)
