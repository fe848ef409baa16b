"""Objects of one sample put on another."""

from random import Random
from typing import ClassVar, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Image, Mask

from piste.data.augment.base import Augmentation, Canvas, Probability
from piste.data.augment.instances import Instances, Matrix
from piste.data.augment.sample import Sample
from piste.data.counts import IGNORE_INDEX


@final
class CopyPaste(Augmentation):
    """Objects of another sample of the split, put on this one at their own scale (Ghiasi et al. 2021).

    The other sample is mirrored every other time, and moved by up to half of this one's size to either side; then each
    of its objects is taken with probability `share`. What they cover is lost.

    `outline` says what of an object is taken: its `mask`; or, where only boxes are known, all that is in its `box`,
    with edges that a model may learn to look for, or the `ellipse` in its box. In masks of classes an object is what
    hangs together of a class other than the background.
    """

    mixes: ClassVar[bool] = True

    share: Probability = 0.5
    outline: Literal["mask", "box", "ellipse"] = "mask"

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Draw a partner, how it lies, and which of its objects are taken."""
        height, width = sample.size
        other = canvas.other(draw)
        mirrored = draw.random() < 0.5
        top = draw.randint(-(height // 2), other.size[0] - height + height // 2)
        left = draw.randint(-(width // 2), other.size[1] - width + width // 2)
        if sample.instances is not None:
            return self._instances(sample, _moved(other, mirrored, top, left, sample.size, canvas), draw, canvas)
        assert sample.mask is not None, "sections refuse it where nothing lies beside the image"
        objects = torch.from_numpy(_components(other, canvas.background))
        moved = _moved(Sample(other.image, Mask(objects)), mirrored, top, left, sample.size, canvas)
        labels = _moved(other, mirrored, top, left, sample.size, canvas).mask
        assert moved.mask is not None
        assert labels is not None
        seen = [number for number in moved.mask.unique().tolist() if number]
        taken = [number for number in seen if draw.random() < self.share]
        cover = torch.isin(moved.mask.as_subclass(Tensor), torch.tensor(taken, dtype=objects.dtype))
        return Sample(
            Image(torch.where(cover, moved.image, sample.image)), Mask(torch.where(cover, labels, sample.mask))
        )

    def _instances(self, sample: Sample, other: Sample, draw: Random, canvas: Canvas) -> Sample:
        assert sample.instances is not None
        assert other.instances is not None
        able = (~other.instances.crowd).tolist()
        taken = other.instances.chosen(
            torch.tensor([counts and draw.random() < self.share for counts in able], dtype=torch.bool)
        )
        shapes = self._shapes(taken, sample.size)
        cover = shapes.any(0)
        left = sample.instances.uncovered(cover, canvas.min_visible)
        return Sample(Image(torch.where(cover, other.image, sample.image)), None, left.joined(taken))

    def _shapes(self, taken: Instances, size: tuple[int, int]) -> Tensor:
        """What of the image each object is: bool [n, H, W]."""
        if self.outline == "mask":
            assert taken.masks is not None, "sections refuse it where there are no masks"
            planes: Tensor = taken.masks.as_subclass(Tensor)
            return planes.bool()
        # the middle of each pixel, from -1 at the left or upper edge of a box to 1 at the other
        left, top, right, bottom = taken.boxes[:, :, None, None].unbind(1)
        across = ((2 * (torch.arange(size[1]) + 0.5) - left - right) / (right - left)).square()
        down = ((2 * (torch.arange(size[0])[:, None] + 0.5) - top - bottom) / (bottom - top)).square()
        reach: Tensor = torch.maximum(across, down) if self.outline == "box" else across + down
        return reach.le(1)


def _moved(other: Sample, mirrored: bool, top: int, left: int, size: tuple[int, int], canvas: Canvas) -> Sample:
    """A sample as it lies behind a window that may reach beyond it; there, masks are 0."""
    width = other.size[1]
    way = Matrix(-1, 0, width - left, 0, 1, -top) if mirrored else Matrix(1, 0, -left, 0, 1, -top)

    def seen(pixels: Tensor) -> Tensor:
        moved: Tensor = F.crop(F.horizontal_flip(pixels) if mirrored else pixels, top, left, *size)
        return moved

    return canvas.warp(other, image=seen, mask=lambda mask, _: seen(mask), matrix=way)


def _components(sample: Sample, background: int | None) -> NDArray[np.int32]:
    """The objects in a mask of classes, numbered from 1 on; 0 where there is none."""
    assert sample.mask is not None
    assert background is not None, "data without a background refuse it"
    labels = sample.mask.as_subclass(Tensor).numpy()
    numbers = np.zeros(labels.shape, dtype=np.int32)
    known = 0
    for value in np.unique(labels):
        if value not in (background, IGNORE_INDEX):
            found, count = ndimage.label(labels == value, np.ones((3, 3)))
            numbers[found > 0] = found[found > 0] + known
            known += count
    return numbers
