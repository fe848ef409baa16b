"""The tempered softmax: p_i = exp_t(a_i - lambda), with lambda such that the p_i sum to 1.

exp_t(u) = (1 + (1 - t) u)^(1 / (1 - t)), 0 where the base is negative: exp for t = 1, with a heavy tail for t > 1, and
with an end for t < 1. Below, s = t - 1, distance = max a - a_i >= 0 and shift = lambda - max a >= 0, so that
log p_i = -log(1 + s (distance + shift)) / s.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.elements import widen


def tempered_softmax(logits: Tensor, t: float, *, dim: int = 1) -> Tensor:
    """Probabilities with a tail of chosen weight: a generalisation of softmax, which it is at t = 1.

    Args:
        logits: Raw scores.
        t: The temperature, 0.2 <= t <= 5. Above 1 what is far behind keeps more probability than in softmax; below 1
            it gets exactly none.
        dim: The axis of the classes.

    Returns:
        Numbers >= 0 of the shape of `logits`, that sum to 1 along `dim`, in float32 for logits in half precision.

    Raises:
        ValueError: `t` breaks its rule.

    >>> tempered_softmax(torch.tensor([[0.0, 0.0, -10.0]]), 2.0)
    tensor([[0.4589, 0.4589, 0.0821]])
    """
    return tempered_log_softmax(widen(logits), number("t", t, "a temperature", low=0.2, high=5.0), dim).exp()


def tempered_sigmoid(logits: Tensor, t: float) -> Tensor:
    """Probability of the second of two classes with logits 0 and x, by `tempered_softmax`: sigmoid at t = 1.

    Args:
        logits: Raw scores x.
        t: The temperature, 0.2 <= t <= 5.

    Returns:
        Numbers in [0, 1] of the shape of `logits`.

    Raises:
        ValueError: `t` breaks its rule.

    >>> tempered_sigmoid(torch.tensor([0.0, 10.0]), 2.0)
    tensor([0.5000, 0.9099])
    """
    return tempered_softmax(torch.stack((torch.zeros_like(logits), logits)), t, dim=0)[1]


def tempered_log_softmax(logits: Tensor, t: float, dim: int) -> Tensor:
    """Logarithm of `tempered_softmax`, -inf for what has no probability."""
    if t == 1:
        return F.log_softmax(logits, dim)
    log_p: Tensor = _TemperedLogSoftmax.apply(logits, t - 1, dim)
    return log_p


class _TemperedLogSoftmax(torch.autograd.Function):
    """Newton's and Halley's steps to the shift, and the slope of the function that it solves, whatever the steps were.

    With Z(shift) the sum of the probabilities, Z^-s is nearly linear in the shift, and exactly so where all classes
    are alike: a power mean, concave for t > 1 and convex for 0 < t < 1. So Newton's steps towards Z^-s = 1, from 0,
    never overshoot; Halley's, at most twice as long, look at the curvature too.
    """

    @staticmethod
    def forward(logits: Tensor, s: float, dim: int) -> Tensor:
        distance = s * (logits.amax(dim, keepdim=True) - logits)
        shift = torch.zeros_like(distance.narrow(dim, 0, 1))
        log_base, power = torch.empty_like(distance), torch.empty_like(distance)

        def refresh() -> Tensor:
            base = torch.add(distance, shift, out=log_base)
            return (base if s > 0 else base.clamp_(min=-1)).log1p_()

        def total(exponent: float) -> Tensor:
            return torch.mul(log_base, -exponent / s, out=power).exp_().sum(dim, keepdim=True)

        for _ in range(_steps(s)):
            refresh()
            z, slope = total(1), total(1 + s)  # exp_t has the slope exp_t^t
            ahead = torch.expm1(s * z.log())
            step = z / slope * ahead
            if s > 0:
                bend = (1 + s) / s * ahead * (1 - z / slope * (total(1 + 2 * s) / slope))
                step /= 1 + bend.clamp(-1, 0) / 2
            shift += step
        return refresh().mul_(-1 / s)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, int], output: Tensor) -> None:
        _, ctx.s, ctx.dim = inputs
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        # d log p_i = p_i^s (d a_i - d lambda), and d lambda is the mean of all d a_j with weights p_j^t
        (log_p,) = ctx.saved_tensors
        log_slope = ctx.s * log_p
        if ctx.s < 0:
            log_slope = log_slope.where(log_p > -torch.inf, -torch.inf)
        moved, escort = grad * log_slope.exp_(), ((1 + ctx.s) * log_p).exp_()
        share = moved.sum(ctx.dim, keepdim=True) / escort.sum(ctx.dim, keepdim=True)
        return torch.addcmul(moved, share, escort, value=-1), None, None


def _steps(s: float) -> int:
    """How many steps bring the sum to 1 within 1e-6, for up to 20000 classes, however far apart."""
    if s < 0:  # steps of Newton alone: the sum has a corner wherever a class runs out of probability
        return 12
    return 3 if s <= 0.3 else 5
