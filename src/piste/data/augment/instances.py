"""The objects of an image as a table: a box, a label and, where there are any, a mask for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torchvision.tv_tensors import Mask

LEAST_SIDE = 1.0
"""A box that is narrower or lower than this, in pixels, is dropped where a step has moved or cut it."""


class Matrix(NamedTuple):
    """Where a point goes: x' = xx x + xy y + x0, y' = yx x + yy y + y0, in pixels from the upper left corner."""

    xx: float
    xy: float
    x0: float
    yx: float
    yy: float
    y0: float

    @property
    def zoom(self) -> float:
        """The factor that areas grow by."""
        return abs(self.xx * self.yy - self.xy * self.yx)


@dataclass(frozen=True)
class Instances:
    """The objects of an image, n of them, in any order.

    Args:
        boxes: float32 [n, 4], left, top, right, bottom in pixels from the upper left corner.
        labels: int64 [n], 1 for the first class.
        crowd: bool [n], those that count for nothing: several objects in one, or one that is too hard to tell.
        area: float32 [n], in pixels, what scores by size go by: the object's own area where the data knows it.
        masks: uint8 [n, H, W], 1 on the object; None where only boxes are known.
        visible: float32 [n], the share of its area that each has kept through all steps so far.
    """

    boxes: Tensor
    labels: Tensor
    crowd: Tensor
    area: Tensor
    masks: Mask | None
    visible: Tensor

    @classmethod
    def of(cls, boxes: Tensor, labels: Tensor, crowd: Tensor, area: Tensor, masks: Tensor | None = None) -> Self:
        """Instances as they come from disk, all visible."""
        visible = torch.ones(len(boxes))
        return cls(boxes, labels, crowd, area, None if masks is None else Mask(masks), visible)

    def __len__(self) -> int:
        return len(self.boxes)

    def chosen(self, which: Tensor) -> Self:
        """Some of the instances.

        Args:
            which: bool [n], or indices.
        """
        return replace(
            self,
            boxes=self.boxes[which],
            labels=self.labels[which],
            crowd=self.crowd[which],
            area=self.area[which],
            masks=None if self.masks is None else Mask(self.masks[which]),
            visible=self.visible[which],
        )

    def joined(self, other: Self) -> Self:
        """These instances and others of an image of the same size."""
        masks = None
        if self.masks is not None and other.masks is not None:
            masks = Mask(torch.cat([self.masks, other.masks]))
        return replace(
            self,
            boxes=torch.cat([self.boxes, other.boxes]),
            labels=torch.cat([self.labels, other.labels]),
            crowd=torch.cat([self.crowd, other.crowd]),
            area=torch.cat([self.area, other.area]),
            masks=masks,
            visible=torch.cat([self.visible, other.visible]),
        )

    def warped(self, mask: Callable[[Mask], Mask], matrix: Matrix, size: tuple[int, int], min_visible: float) -> Self:
        """The instances at other places, clipped to the image.

        A box becomes the smallest that holds its four corners; where there are masks, it also shrinks to what is left
        of its own. What has kept too little of its area is dropped.

        Args:
            mask: makes new masks [n, H, W].
            matrix: where a point goes.
            size: height and width of the new image.
            min_visible: the share of its area that an instance must keep, over all steps.
        """
        moved = _moved(self.boxes, matrix)
        height, width = size
        clipped = moved.clone()
        clipped[:, 0::2].clamp_(0, width)
        clipped[:, 1::2].clamp_(0, height)
        if self.masks is None:
            masks, kept = None, box_area(clipped) / box_area(moved).clamp_min(1e-9)
        else:
            masks = mask(self.masks) if len(self) else Mask(self.masks.new_zeros(0, height, width))
            kept = _pixels(masks) / (_pixels(self.masks) * matrix.zoom).clamp_min(1e-9)
        kept = kept.clamp(0, 1)
        area, visible = self.area * matrix.zoom * kept, self.visible * kept
        return replace(self, boxes=clipped, masks=masks, area=area, visible=visible).remaining(min_visible)

    def uncovered(self, cover: Tensor, min_visible: float) -> Self:
        """The instances after something has been put over a part of the image.

        Args:
            cover: bool [H, W], where.
            min_visible: the share of its area that an instance must keep, over all steps.
        """
        if self.masks is not None:
            masks = Mask(self.masks * ~cover)
            kept = _pixels(masks) / _pixels(self.masks).clamp_min(1)
        else:
            masks, kept = None, 1 - _share_of(cover, self.boxes)
        area, visible = self.area * kept, self.visible * kept
        return replace(self, masks=masks, area=area, visible=visible).remaining(min_visible)

    def remaining(self, min_visible: float) -> Self:
        """Those that have kept enough of their area, their boxes no larger than their masks."""
        fits = self
        if self.masks is not None:
            fits = replace(self, boxes=_within(self.boxes, extents(self.masks)))
        sides = fits.boxes[:, 2:] - fits.boxes[:, :2]
        stays = (sides >= LEAST_SIDE).all(1) & (fits.visible >= min_visible) & (fits.visible > 0)
        return fits if bool(stays.all()) else fits.chosen(stays)


def box_area(boxes: Tensor) -> Tensor:
    """The area of boxes [n, 4]; 0 for one whose right is not right of its left."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp_min(0)
    return sides[:, 0] * sides[:, 1]


def extents(masks: Tensor) -> Tensor:
    """The smallest boxes [n, 4] that hold all pixels of masks [n, H, W]; all zero for an empty mask."""
    found = torch.zeros(len(masks), 4)
    for axis, (low, high) in ((1, (0, 2)), (2, (1, 3))):
        held = masks.as_subclass(Tensor).amax(axis) > 0  # over rows: which columns are held
        if not held.numel():
            continue
        places = torch.arange(held.shape[1]).expand(held.shape)
        found[:, low] = torch.where(held, places, held.shape[1]).amin(1).float()
        found[:, high] = torch.where(held, places + 1, 0).amax(1).float()
    found[(found[:, 2] <= found[:, 0])] = 0.0
    return found


def _moved(boxes: Tensor, matrix: Matrix) -> Tensor:
    x, y = boxes[:, [0, 2, 2, 0]], boxes[:, [1, 1, 3, 3]]
    across = matrix.xx * x + matrix.xy * y + matrix.x0
    down = matrix.yx * x + matrix.yy * y + matrix.y0
    return torch.stack([across.amin(1), down.amin(1), across.amax(1), down.amax(1)], 1)


def _within(boxes: Tensor, others: Tensor) -> Tensor:
    return torch.cat([torch.maximum(boxes[:, :2], others[:, :2]), torch.minimum(boxes[:, 2:], others[:, 2:])], 1)


def _pixels(masks: Tensor) -> Tensor:
    return masks.as_subclass(Tensor).flatten(1).sum(1, dtype=torch.int64).float()


def _share_of(cover: Tensor, boxes: Tensor) -> Tensor:
    """The share of each box, in whole pixels, that is covered."""
    shares = torch.zeros(len(boxes))
    for place, (left, top, right, bottom) in enumerate(boxes.tolist()):
        part = cover[int(top) : max(round(bottom), int(top) + 1), int(left) : max(round(right), int(left) + 1)]
        shares[place] = part.float().mean() if part.numel() else 0.0
    return shares
