"""Augmentations that change the size: crops, and resizing."""

import math
from random import Random
from typing import ClassVar, Self, final

from pydantic import model_validator
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Image, Mask, wrap

from piste.data.augment.base import Augmentation, Canvas, Pixels, Probability, ranged


@final
class Crop(Augmentation):
    """A window of `height` x `width` at a random place; a smaller image is padded evenly on all sides first."""

    height: Pixels
    width: Pixels
    p: Probability = 1.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Cut at a place drawn evenly from those that fit."""
        image, mask = _padded(image, mask, self.height, self.width, canvas)
        top = draw.randint(0, mask.shape[-2] - self.height)
        left = draw.randint(0, mask.shape[-1] - self.width)
        return _cut(image, mask, top, left, self.height, self.width)


@final
class CentreCrop(Augmentation):
    """The middle `height` x `width` of the image; a smaller image is padded evenly on all sides."""

    fixed: ClassVar[bool] = True

    height: Pixels
    width: Pixels
    p: Probability = 1.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Cut out the middle; where it can't be exact it lies half a pixel up or to the left."""
        image, mask = _padded(image, mask, self.height, self.width, canvas)
        top, left = (mask.shape[-2] - self.height) // 2, (mask.shape[-1] - self.width) // 2
        return _cut(image, mask, top, left, self.height, self.width)


@final
class RandomSizedCrop(Augmentation):
    """A window of random size and form at a random place, resized to `height` x `width`.

    `scale` is the window's share of the area and `ratio` its width divided by its height, drawn evenly on a log scale;
    a window that is too wide or too high for the image is clipped to it.
    """

    height: Pixels
    width: Pixels
    scale: ranged(0.01, 1.0) = (0.5, 1.0)  # type: ignore[valid-type]
    ratio: ranged(0.1, 10.0) = (0.75, 4 / 3)  # type: ignore[valid-type]
    p: Probability = 1.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Draw a window, cut it out and resize it."""
        height, width = mask.shape[-2:]
        area = draw.uniform(*self.scale) * height * width
        form = math.exp(draw.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
        window_width = min(max(round(math.sqrt(area * form)), 1), width)
        window_height = min(max(round(math.sqrt(area / form)), 1), height)
        top, left = draw.randint(0, height - window_height), draw.randint(0, width - window_width)
        image, mask = _cut(image, mask, top, left, window_height, window_width)
        return _resized(image, mask, self.height, self.width, canvas)


@final
class Resize(Augmentation):
    """Another size: exactly `height` x `width`, or, keeping the form, a `longest` or a `smallest` side."""

    fixed: ClassVar[bool] = True

    height: Pixels | None = None
    width: Pixels | None = None
    longest: Pixels | None = None
    smallest: Pixels | None = None
    p: Probability = 1.0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = {name for name in ("height", "width", "longest", "smallest") if getattr(self, name) is not None}
        if given not in ({"height", "width"}, {"longest"}, {"smallest"}):
            came = f"{', '.join(sorted(given))}" if given else "none of them"
            raise ValueError(f"takes height and width, or longest, or smallest; got {came}")
        return self

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Resize; the other side is rounded to the nearest pixel."""
        height, width = self.size(*mask.shape[-2:])
        return _resized(image, mask, height, width, canvas)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a resized image of height x width."""
        if self.height and self.width:
            return self.height, self.width
        scale = self.longest / max(height, width) if self.longest else (self.smallest or 0) / min(height, width)
        return max(round(height * scale), 1), max(round(width * scale), 1)


def _padded(image: Image, mask: Mask, height: int, width: int, canvas: Canvas) -> tuple[Image, Mask]:
    rows, columns = max(height - mask.shape[-2], 0), max(width - mask.shape[-1], 0)
    if not rows and not columns:
        return image, mask
    sides = [columns // 2, rows // 2, columns - columns // 2, rows - rows // 2]  # left, top, right, bottom
    return F.pad(image, sides, fill=list(canvas.fill)), F.pad(mask, sides, fill=canvas.mask_fill)


def _cut(image: Image, mask: Mask, top: int, left: int, height: int, width: int) -> tuple[Image, Mask]:
    return F.crop(image, top, left, height, width), F.crop(mask, top, left, height, width)


def _resized(image: Image, mask: Mask, height: int, width: int, canvas: Canvas) -> tuple[Image, Mask]:
    # v2.functional.resize takes the corner of each cell for a mask; nearest-exact takes the middle, as images do.
    small = F.resize_image(mask[None], [height, width], interpolation=InterpolationMode.NEAREST_EXACT)[0]
    return F.resize(image, [height, width], interpolation=canvas.resize_mode), wrap(small, like=mask)
