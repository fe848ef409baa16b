"""From the slope of a cost by the areas and lengths of two boxes to its slope by the corners of the predicted one.

Along one axis, `drift` moves by 1 with either corner, and `size` by 1 with the high and by -1 with the low one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from piste.losses.boxes.pair import Pair


class Slope(NamedTuple):
    """Derivatives of a cost by the numbers of a `Pair`, [*] by areas and [2, *] by lengths; None for 0.

    Args:
        by_union: While the intersection stays.
        by_intersection: While the union stays.
        by_around: By twice the size of the box around both.
        by_drift: By twice the distance of the centres.
        by_size: By the size of the predicted box, while all others stay.
    """

    by_union: Tensor
    by_intersection: Tensor
    by_around: Tensor | None = None
    by_drift: Tensor | None = None
    by_size: Tensor | None = None

    def by_corners(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """Derivatives by the low and the high corner of the predicted box, [2, *]. It uses up the pair."""
        # union = 4 * area(size) + 4 * area(size_true) - intersection
        by_shared = _kept(pair.shared.flip(0).mul_(self.by_intersection - self.by_union), pair.overlap)
        by_size = torch.add(by_shared, pair.size.flip(0).mul_(self.by_union), alpha=4)
        if self.by_size is not None:
            by_size += self.by_size
        # overlap = size + size_true - apart, around = size + size_true + apart
        by_apart = by_shared.neg_()
        if self.by_around is not None:
            by_size += self.by_around
            by_apart += self.by_around
        # apart = max(|drift|, |excess|) = |drift + excess| / 2 + |drift - excess| / 2
        one, other = (pair.drift + pair.excess).sign_(), pair.drift.sub_(pair.excess).sign_()
        half = by_apart.mul_(0.5)
        by_size = _kept(by_size.addcmul_(half, one - other), pair.side).mul_(pair.distinct)
        by_drift = one.add_(other).mul_(half)
        if self.by_drift is not None:
            by_drift += self.by_drift
        return by_drift - by_size, by_drift.add_(by_size)


def _kept(slope: Tensor, length: Tensor) -> Tensor:
    """The slope by a length, given that by length.relu(): the same, but 0 where that is 0."""
    kept: Tensor = torch.ops.aten.threshold_backward(slope, length, 0)
    return kept
