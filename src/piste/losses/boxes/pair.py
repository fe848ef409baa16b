"""A predicted box beside its target: their sizes, what they share, and the smallest box around both.

Along one axis, sides of w and w* with their centres d apart share (w + w* - max(2d, |w - w*|)) / 2 (below 0 it is the
gap between them), and around both is a side of (w + w* + max(2d, |w - w*|)) / 2. Sizes and distances are small numbers
even where corners are large, so that little is lost to rounding.

A side with its corners the wrong way round counts as 0 long, in their middle.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Pair(NamedTuple):
    """Lengths and areas of pairs of boxes, each of the shape of the pairs.

    Args:
        w: Width of the predicted box.
        h: Height of the predicted box.
        w_true: Width of the target.
        h_true: Height of the target.
        dx: Twice the distance of the centres along x, with its sign.
        dy: Twice the distance of the centres along y, with its sign.
        around_w: Twice the width of the smallest box around both.
        around_h: Twice its height.
        intersection: Area that both cover.
        union: Area that either covers.
        alike: Whether the two are the same.
    """

    w: Tensor
    h: Tensor
    w_true: Tensor
    h_true: Tensor
    dx: Tensor
    dy: Tensor
    around_w: Tensor
    around_h: Tensor
    intersection: Tensor
    union: Tensor
    alike: Tensor


def compare(predicted: Tensor, target: Tensor) -> Pair:
    """Measure pairs of boxes x1, y1, x2, y2, [*, 4]."""
    left, top, right, bottom = predicted.unbind(-1)
    left_true, top_true, right_true, bottom_true = target.unbind(-1)
    w, h = (right - left).clamp(min=0), (bottom - top).clamp(min=0)
    w_true, h_true = (right_true - left_true).clamp(min=0), (bottom_true - top_true).clamp(min=0)
    dx, dy = (left - left_true) + (right - right_true), (top - top_true) + (bottom - bottom_true)
    apart_x, apart_y = torch.maximum(dx.abs(), (w - w_true).abs()), torch.maximum(dy.abs(), (h - h_true).abs())
    sizes_x, sizes_y = w + w_true, h + h_true
    intersection = (sizes_x - apart_x).clamp(min=0) * (sizes_y - apart_y).clamp(min=0) / 4
    return Pair(
        w=w,
        h=h,
        w_true=w_true,
        h_true=h_true,
        dx=dx,
        dy=dy,
        around_w=sizes_x + apart_x,
        around_h=sizes_y + apart_y,
        intersection=intersection,
        union=w * h + w_true * h_true - intersection,
        alike=apart_x + apart_y == 0,
    )


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """The part as a share of the whole; 0 where the whole, and so the part, is 0."""
    return part / (whole + (whole == 0))


def iou(pair: Pair) -> Tensor:
    """The share of the union that both cover; 0 where there is no area to cover."""
    return ratio(pair.intersection, pair.union)
