"""The Lovasz extension of the Jaccard loss for every unit, a class of the batch or of an image.

It is linear in the scores as long as no error overtakes another, so its slopes are all that its gradient needs, and
they are found together with its value. On a CPU that is done for one unit after the other, so that what is in between
stays in the cache, and because torch sorts integers of one axis by radix: four times as fast as floats or rows.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.elements import as_numbers
from piste.losses.regions.growth import by_bins, by_sorting

Price = Callable[[Tensor, Sequence[Tensor | None]], tuple[Tensor, Tensor, Tensor]]

_BY_RADIX = 2**15
"""Elements from which on torch sorts integers of one axis by radix."""


def extended(
    scores: Tensor,
    target: Tensor,
    ids: Tensor | None,
    keep: Tensor | None,
    count: Tensor | None,
    *,
    hinge: bool,
    bins: int | None,
) -> tuple[Tensor, Tensor]:
    """Cost of each unit, and whether any of it is true, [B, C], with a gradient for the scores alone.

    Args:
        scores: Probabilities, or raw scores for the hinge: [B, C, N, P], with N P elements of each unit.
        target: Shares, or integers; this and the others have the axes of the scores, each of its size or 1.
        ids: Integers that say that an element is true; None for shares.
        keep: Which elements count; None for all.
        count: What each counts, 0 where it does not; None for 1.
        hinge: Whether errors are max(0, 1 - x (2 y - 1)), rather than |y - p|.
        bins: How many bins the errors are counted in; None to sort them.
    """
    others = [None if each is None else each.expand_as(scores) for each in (target, ids, keep, count)]
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        cost, present, slope = _priced(scores, others, hinge=hinge, bins=bins)
        return cost + ((scores - scores.detach()) * slope).flatten(2).sum(-1), present
    cost, present, _ = _Extended.apply(partial(_in_parts, hinge=hinge, bins=bins), scores, *others)
    return cost, present


class _Extended(torch.autograd.Function):
    """The slope is an output of no gradient, for only what is an output can be kept."""

    @staticmethod
    def forward(price: Price, scores: Tensor, *others: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        return price(scores, others)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.price, ctx.slope = inputs[0], output[2]
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: None) -> tuple[Tensor | None, ...]:
        scores, *others = ctx.saved_tensors
        slope = ctx.price(scores, others)[2] if ctx.slope is None else ctx.slope
        grad = grad[..., None, None]
        if torch.is_grad_enabled():
            slope = slope * grad
        else:
            ctx.slope = None  # a tensor as large as the logits
            slope = slope.mul_(grad)
        return None, slope, *[None] * len(others)


def _in_parts(
    scores: Tensor, others: Sequence[Tensor | None], *, hinge: bool, bins: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """What `_priced` gives, of a few units at a time."""
    cost, slope = scores.new_empty(scores.shape[:2]), torch.empty_like(scores)
    present = torch.empty_like(cost, dtype=torch.bool)
    for part in _parts(scores):
        beside = [None if each is None else each[part] for each in others]
        cost[part], present[part], _ = _priced(scores[part], beside, hinge=hinge, bins=bins, out=slope[part])
    return cost, present, slope


def _parts(scores: Tensor) -> Iterator[tuple[slice, slice]]:
    """Unit by unit if they are large, else image by image; all at once on a GPU."""
    if scores.device.type != "cpu" or not scores.numel():
        yield slice(None), slice(None)
        return
    step = 1 if scores[0, 0].numel() >= _BY_RADIX else scores.shape[1]
    for b in range(scores.shape[0]):
        for c in range(0, scores.shape[1], step):
            yield slice(b, b + 1), slice(c, c + step)


@torch.no_grad()
def _priced(
    scores: Tensor, others: Sequence[Tensor | None], *, hinge: bool, bins: int | None, out: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Cost of each unit, whether any of it is true, and the slope of the cost at each score."""
    target, ids, keep, count = others
    assert target is not None
    truth = target.to(scores.dtype) if ids is None else (target == ids)
    if keep is not None:
        truth = truth.where(keep, 0) if ids is None else truth & keep
    truth = truth if ids is None else truth.view(torch.uint8)
    if hinge:
        side = 1 - 2 * truth.to(scores.dtype)
        errors = F.relu(1 + scores * side)
        side *= errors.sign()
    else:
        side = scores - truth
        errors = side.abs()
        side.sign_()
    if keep is not None:
        errors, side = errors.where(keep, -0.0), side * as_numbers(keep, side)
    flat = errors.flatten(2), truth.flatten(2), None if count is None else count.flatten(2)
    growth, whole = by_sorting(*flat) if bins is None else by_bins(*flat, bins=bins)
    cost = flat[0].mul_(growth).sum(-1)
    return cost, (whole > 0).any(-1), torch.mul(side, growth.view_as(side), out=out)
