"""A predicted box beside its target: their sizes, what they share, and the smallest box around both.

Along one axis, sides of s and s* with their centres d apart share (s + s* - max(2d, |s - s*|)) / 2 (below 0 it is the
gap between them), and around both is a side of (s + s* + max(2d, |s - s*|)) / 2. Sizes and distances are small numbers
even where corners are large, so that little is lost to rounding.

A side with its corners the wrong way round counts as 0 long, in their middle.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Pair(NamedTuple):
    """Lengths of pairs of boxes along x and y, [2, *], and their areas, [*].

    Args:
        side: From the low corner of the predicted box to the high one; below 0 where they are the wrong way round.
        size: The same, but 0 where they are the wrong way round.
        size_true: Size of the target.
        drift: Twice the distance of the centres, with its sign.
        excess: Size of the predicted box less that of the target.
        overlap: Twice the length that both cover; below 0 where there is a gap between them.
        shared: The same, but 0 where there is a gap.
        around: Twice the size of the smallest box around both.
        intersection: Four times the area that both cover.
        union: Four times the area that either covers.
        distinct: 1, or 0 where the two are the same.
    """

    side: Tensor
    size: Tensor
    size_true: Tensor
    drift: Tensor
    excess: Tensor
    overlap: Tensor
    shared: Tensor
    around: Tensor
    intersection: Tensor
    union: Tensor
    distinct: Tensor


def corners(boxes: Tensor) -> Tensor:
    """Take boxes x1, y1, x2, y2, [*, 4], as [2 (low, high), 2 (x, y), *]."""
    return boxes.reshape(*boxes.shape[:-1], 2, 2).movedim((-2, -1), (0, 1))


def compare(predicted: Tensor, target: Tensor) -> Pair:
    """Measure pairs of boxes, given by their `corners`."""
    low, high = predicted.unbind()
    low_true, high_true = target.unbind()
    side = high - low
    size, size_true = side.relu(), (high_true - low_true).relu_()
    drift, excess = (low - low_true).add_(high - high_true), size - size_true
    sizes, apart = size + size_true, torch.maximum(drift.abs(), excess.abs())
    overlap = sizes - apart
    shared = overlap.relu()
    intersection = area(shared)
    apart_x, apart_y = apart.unbind()
    return Pair(
        side=side,
        size=size,
        size_true=size_true,
        drift=drift,
        excess=excess,
        overlap=overlap,
        shared=shared,
        around=sizes.add_(apart),
        intersection=intersection,
        union=area(size).add_(area(size_true)).mul_(4).sub_(intersection),
        distinct=(apart_x + apart_y).sign_(),
    )


def area(lengths: Tensor) -> Tensor:
    """Multiply width and height, [2, *]."""
    w, h = lengths.unbind()
    return w * h


def inverse(whole: Tensor) -> Tensor:
    """1 / whole; 0 where the whole, and so each part of it, is 0."""
    return whole.sign() / whole.clamp(min=torch.finfo(whole.dtype).tiny)


def iou(predicted: Tensor, target: Tensor) -> Tensor:
    """The share of the union that both cover, for boxes given by their `corners`; 0 where there is no area to cover.

    What `compare` finds too, by half as many operations; but its slope is not that of sides the wrong way round.
    """
    (low, high), (low_true, high_true) = predicted.unbind(), target.unbind()
    shared = area((torch.minimum(high, high_true) - torch.maximum(low, low_true)).relu_())
    own, other = area((high - low).relu_()), area((high_true - low_true).relu_())
    return shared * inverse(own + other - shared)
