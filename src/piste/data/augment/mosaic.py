"""Four samples in one."""

from functools import partial
from random import Random
from typing import ClassVar, Self, final

import torch
from pydantic import model_validator
from torch import Tensor
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Image, Mask

from piste.data.augment.base import Augmentation, Canvas, Pixels, ranged
from piste.data.augment.instances import Instances, Matrix
from piste.data.augment.sample import Sample
from piste.data.augment.sizes import cut, padded


@final
class Mosaic(Augmentation):
    """This sample and three others of the split, one in each corner of an image (Bochkovskiy et al. 2020, YOLOv4).

    The corners meet at a point whose height and width are shares of the image, drawn from `centre`. Each shows a window
    of its sample, of its own scale, at a random place; a sample that is smaller is padded evenly. The image is as large
    as this sample, or `height` x `width`.
    """

    mixes: ClassVar[bool] = True

    centre: ranged(0.1, 0.9) = (0.3, 0.7)  # type: ignore[valid-type]
    height: Pixels | None = None
    width: Pixels | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.height is None) != (self.width is None):
            raise ValueError("takes height and width, or neither; got one of them")
        return self

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Draw three partners, the order of the corners, where they meet, and a window for each."""
        height, width = self.height or sample.size[0], self.width or sample.size[1]
        four = [sample, *(canvas.other(draw) for _ in range(3))]
        draw.shuffle(four)
        middle = [min(max(round(side * draw.uniform(*self.centre)), 1), side - 1) for side in (height, width)]
        rows, columns = [(0, middle[0]), (middle[0], height)], [(0, middle[1]), (middle[1], width)]
        corners = [(top, left, bottom - top, right - left) for top, bottom in rows for left, right in columns]
        windows = [
            _window(part, deep, wide, draw, canvas) for part, (_, _, deep, wide) in zip(four, corners, strict=True)
        ]
        return Sample(
            Image(_joined([window.image for window in windows])),
            None if sample.mask is None else Mask(_joined([w.mask for w in windows if w.mask is not None])),
            None if sample.instances is None else _placed(windows, corners, (height, width), canvas),
        )


def _window(sample: Sample, height: int, width: int, draw: Random, canvas: Canvas) -> Sample:
    sample = padded(sample, height, width, canvas)
    top, left = draw.randint(0, sample.size[0] - height), draw.randint(0, sample.size[1] - width)
    return cut(sample, top, left, height, width, canvas)


def _joined(parts: list[Image] | list[Mask]) -> Tensor:
    """Four parts in one: upper left, upper right, lower left, lower right."""
    first, second, third, fourth = (part.as_subclass(Tensor) for part in parts)
    return torch.cat([torch.cat([first, second], -1), torch.cat([third, fourth], -1)], -2)


def _placed(
    windows: list[Sample], corners: list[tuple[int, int, int, int]], size: tuple[int, int], canvas: Canvas
) -> Instances:
    """The instances of all windows, each at its corner."""
    tables = []
    for window, (top, left, deep, wide) in zip(windows, corners, strict=True):
        assert window.instances is not None
        pad = partial(F.pad, padding=[left, top, size[1] - left - wide, size[0] - top - deep])
        tables.append(window.instances.warped(pad, Matrix(1, 0, left, 0, 1, top), size, canvas.min_visible))
    first, *others = tables
    for other in others:
        first = first.joined(other)
    return first
