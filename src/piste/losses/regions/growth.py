"""What the Jaccard loss grows by as one element after the other becomes wrong, from the largest error down.

These numbers are the slopes of its Lovasz extension, and the extension is their sum weighed by the errors. With T what
is true, and I true and O not true elements wrong so far, the loss is (I + O) / (T + O).
"""

import torch
from torch import Tensor

from piste.losses.regions.sums import sum_by
from piste.losses.regions.units import ratio

_CACHED = 2**15
"""Elements of which a dozen numbers each fit the cache of a core."""

_INTEGER = {torch.float32: torch.int32, torch.float64: torch.int64}
_SUM = {torch.uint8: torch.int32}


def by_sorting(errors: Tensor, truth: Tensor, count: Tensor | None) -> tuple[Tensor, Tensor]:
    """What each element adds, exactly, and what is true in all.

    Args:
        errors: Error of each element, [B, C, M] with M those of one unit: >= 0, or -0.0 for one that does not count.
        truth: How much of it is true: in [0, 1], or 0 and 1 as uint8.
        count: What it counts; None for 1.

    Returns:
        [B, C, M] and [B, C, 1].
    """
    # the bits of floats >= 0 sort as they do; turned over, the largest is first, and -0.0 behind 0
    keys = errors.view(_INTEGER[errors.dtype]).bitwise_not()
    order = keys.squeeze().sort(dim=-1, stable=True).indices.view_as(keys)
    true = (truth if count is None else truth * count).gather(-1, order)
    false = 1 - true if count is None else count.gather(-1, order) - true
    inside, outside = (each.cumsum(-1, dtype=_SUM.get(each.dtype)) for each in (true, false))
    whole = inside[..., -1:].to(errors.dtype)
    size = errors.shape[-1] if torch.compiler.is_compiling() or errors.device.type != "cpu" else _CACHED
    parts = (torch.split(each, max(size, 1), -1) for each in (true, false, inside, outside))
    growth = torch.cat([_in_order(whole, *part) for part in zip(*parts, strict=True)], -1)
    growth[..., :1] += whole == 0  # from no loss to all of it
    return torch.empty_like(errors).scatter_(-1, order, growth), whole


def _in_order(whole: Tensor, *sums: Tensor) -> Tensor:
    """What each of sorted elements adds, given what of it is true and is not, and the sums of both up to it."""
    true, false, inside, outside = (each.to(whole.dtype) for each in sums)
    union = whole + outside
    # the growth (I' + O') / (T + O') - (I + O) / (T + O), but not as a difference of numbers near to each other
    score = ratio((whole - inside).add_(true), union - false)
    return ratio(torch.addcmul(true, false, score), union)


def by_bins(errors: Tensor, truth: Tensor, count: Tensor | None, bins: int) -> tuple[Tensor, Tensor]:
    """What each element adds where all that are in one bin are tied: the mean of true ones first and of them last.

    Bin k holds errors above (k - 1) / bins and up to k / bins, so that 0 has one of its own. With all errors moved to
    where theirs begins or ends, these are slopes of the extension itself, which therefore is at most 1 / bins larger.

    Args:
        errors: As in `by_sorting`, and at most 1.
        truth: As there.
        count: As there.
        bins: How many bins there are above 0.

    Returns:
        As there.
    """
    place = (errors * -bins).floor_().add_(bins).clamp_(min=0).long()  # the largest first
    true = truth.to(errors.dtype) if count is None else truth * count
    false = (1 if count is None else count) - true
    each_inside, each_outside = (sum_by(place, each, bins + 1) for each in (true, false))
    inside, outside = each_inside.cumsum(-1), each_outside.cumsum(-1)
    whole = inside[..., -1:]
    union, before = whole + outside, whole + outside - each_outside
    by_true = (ratio(torch.ones_like(union), union) + ratio(torch.ones_like(union), before)) / 2
    score = torch.where(before > 0, ratio(whole - inside + each_inside / 2, before), 1)
    growth = true * by_true.gather(-1, place) + false * ratio(score, union).gather(-1, place)
    return growth, whole
