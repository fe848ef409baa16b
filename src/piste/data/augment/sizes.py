"""Augmentations that change the size: crops, and resizing."""

import math
from random import Random
from typing import ClassVar, Self, final

from pydantic import model_validator
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Mask, wrap

from piste.data.augment.base import Augmentation, Canvas, Pixels, Probability, ranged
from piste.data.augment.instances import Matrix
from piste.data.augment.sample import Sample


@final
class Crop(Augmentation):
    """A window of `height` x `width` at a random place; a smaller image is padded evenly on all sides first."""

    height: Pixels
    width: Pixels
    p: Probability = 1.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Cut at a place drawn evenly from those that fit."""
        sample = padded(sample, self.height, self.width, canvas)
        top = draw.randint(0, sample.size[0] - self.height)
        left = draw.randint(0, sample.size[1] - self.width)
        return cut(sample, top, left, self.height, self.width, canvas)


@final
class CentreCrop(Augmentation):
    """The middle `height` x `width` of the image; a smaller image is padded evenly on all sides."""

    fixed: ClassVar[bool] = True

    height: Pixels
    width: Pixels
    p: Probability = 1.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Cut out the middle; where it can't be exact it lies half a pixel up or to the left."""
        sample = padded(sample, self.height, self.width, canvas)
        top, left = (sample.size[0] - self.height) // 2, (sample.size[1] - self.width) // 2
        return cut(sample, top, left, self.height, self.width, canvas)


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

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Draw a window, cut it out and resize it."""
        height, width = sample.size
        area = draw.uniform(*self.scale) * height * width
        form = math.exp(draw.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
        window_width = min(max(round(math.sqrt(area * form)), 1), width)
        window_height = min(max(round(math.sqrt(area / form)), 1), height)
        top, left = draw.randint(0, height - window_height), draw.randint(0, width - window_width)
        return resized(cut(sample, top, left, window_height, window_width, canvas), self.height, self.width, canvas)


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

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Resize; the other side is rounded to the nearest pixel."""
        return resized(sample, *self.size(*sample.size), canvas)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a resized image of height x width."""
        if self.height and self.width:
            return self.height, self.width
        scale = self.longest / max(height, width) if self.longest else (self.smallest or 0) / min(height, width)
        return max(round(height * scale), 1), max(round(width * scale), 1)


def padded(sample: Sample, height: int, width: int, canvas: Canvas) -> Sample:
    """The sample, made at least so high and wide by adding to all sides evenly."""
    rows, columns = max(height - sample.size[0], 0), max(width - sample.size[1], 0)
    if not rows and not columns:
        return sample
    sides = [columns // 2, rows // 2, columns - columns // 2, rows - rows // 2]  # left, top, right, bottom
    return canvas.warp(
        sample,
        image=lambda image: F.pad(image, sides, fill=list(canvas.fill)),
        mask=lambda mask, fill: F.pad(mask, sides, fill=fill),
        matrix=Matrix(1, 0, sides[0], 0, 1, sides[1]),
    )


def cut(sample: Sample, top: int, left: int, height: int, width: int, canvas: Canvas) -> Sample:
    """A window of the sample."""
    return canvas.warp(
        sample,
        image=lambda image: F.crop(image, top, left, height, width),
        mask=lambda mask, _: F.crop(mask, top, left, height, width),
        matrix=Matrix(1, 0, -left, 0, 1, -top),
    )


def resized(sample: Sample, height: int, width: int, canvas: Canvas) -> Sample:
    """The sample at another size."""
    across, down = width / sample.size[1], height / sample.size[0]
    return canvas.warp(
        sample,
        image=lambda image: F.resize(image, [height, width], interpolation=canvas.resize_mode),
        mask=lambda mask, _: _resized_mask(mask, height, width),
        matrix=Matrix(across, 0, 0, 0, down, 0),
    )


def _resized_mask(mask: Mask, height: int, width: int) -> Mask:
    # v2.functional.resize takes the corner of each cell for a mask; nearest-exact takes the middle, as images do.
    planes = mask if mask.ndim == 3 else mask[None]
    small = F.resize_image(planes, [height, width], interpolation=InterpolationMode.NEAREST_EXACT)
    return wrap(small if mask.ndim == 3 else small[0], like=mask)
