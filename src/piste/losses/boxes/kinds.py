"""What each kind of IoU loss charges for a pair of boxes, with the slope of it; formulas are those of `box_iou`."""

from collections.abc import Callable
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

from piste.losses.boxes.pair import Pair, area, inverse
from piste.losses.boxes.slope import Slope


class Price(NamedTuple):
    """A cost of each pair, [*], and its slope."""

    cost: Tensor
    slope: Slope


def _iou(pair: Pair) -> Price:
    """1 - I / U."""
    per_union = inverse(pair.union)
    shared = pair.intersection * per_union
    return Price(1 - shared, Slope(by_union=shared * per_union, by_intersection=-per_union))


def _giou(pair: Pair) -> Price:
    """(C - U) / C more, the share of the box around both that is empty."""
    cost, slope = _iou(pair)
    outer = area(pair.around)
    per_outer = inverse(outer)
    return Price(
        torch.addcmul(cost, outer - pair.union, per_outer),
        slope._replace(
            by_union=slope.by_union - per_outer,
            by_around=pair.union * per_outer * per_outer * pair.around.flip(0),
        ),
    )


def _diou(pair: Pair) -> Price:
    """r^2 / c^2 more, for the distance of the centres."""
    cost, slope = _iou(pair)
    x, y = pair.drift.unbind()
    w, h = pair.around.unbind()
    per_diagonal = inverse(w * w + h * h)
    distance = (x * x + y * y) * per_diagonal
    return Price(
        cost + distance,
        slope._replace(by_drift=2 * per_diagonal * pair.drift, by_around=-2 * distance * per_diagonal * pair.around),
    )


def _ciou(pair: Pair) -> Price:
    """Alpha v more than diou, for the angle between the diagonals."""
    cost, slope = _diou(pair)
    (w, h), (w_true, h_true) = pair.size.unbind(), pair.size_true.unbind()
    # atan a - atan b is the angle between two diagonals; for a point it is atan2(0, 1), as (0, 0) may have no slope
    cross, dot = w_true * h - w * h_true, w * w_true + h * h_true
    angle = 2 / pi * torch.atan2(cross, dot + (1 - (dot + cross.abs()).sign()))
    v = angle * angle
    alpha = (v * inverse((1 - pair.intersection * inverse(pair.union)).clamp(min=0) + v)).detach()
    by_size = 4 / pi * alpha * angle * inverse(w * w + h * h) * torch.stack((-h, w))
    return Price(cost + alpha * v, slope._replace(by_size=by_size))


def _eiou(pair: Pair) -> Price:
    """(w - w*)^2 / cw^2 + (h - h*)^2 / ch^2 more than diou, for the differences of the sides."""
    cost, slope = _diou(pair)
    assert slope.by_around is not None
    per_around = inverse(pair.around)
    differ = 2 * pair.excess * per_around
    x, y = differ.unbind()
    return Price(
        cost + (x * x + y * y),
        slope._replace(by_size=4 * differ * per_around, by_around=slope.by_around - 2 * differ * differ * per_around),
    )


KINDS: dict[str, Callable[[Pair], Price]] = {
    "iou": _iou,
    "giou": _giou,
    "diou": _diou,
    "ciou": _ciou,
    "eiou": _eiou,
}
