"""Augmentations that flip, turn, move and slant; the size stays, but for quarter turns of an oblong image."""

import math
from random import Random
from typing import Annotated, final

import torch
from pydantic import Field
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import wrap

from piste.data.augment.base import Augmentation, Canvas, Probability
from piste.data.augment.instances import Matrix
from piste.data.augment.sample import Sample


@final
class HorizontalFlip(Augmentation):
    """Left becomes right."""

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Mirror the columns."""
        return canvas.warp(
            sample,
            image=F.horizontal_flip,
            mask=lambda mask, _: F.horizontal_flip(mask),
            matrix=Matrix(-1, 0, sample.size[1], 0, 1, 0),
        )


@final
class VerticalFlip(Augmentation):
    """Top becomes bottom."""

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Mirror the rows."""
        return canvas.warp(
            sample,
            image=F.vertical_flip,
            mask=lambda mask, _: F.vertical_flip(mask),
            matrix=Matrix(1, 0, 0, 0, -1, sample.size[0]),
        )


@final
class Rotate90(Augmentation):
    """One, two or three quarter turns, each as likely. With `p` of 0.75 all four directions are equally likely."""

    p: Probability = 0.75

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Turn counter-clockwise; height and width change places in an odd turn."""
        turns = draw.randint(1, 3)
        height, width = sample.size
        matrix = {
            1: Matrix(0, 1, 0, -1, 0, width),
            2: Matrix(-1, 0, width, 0, -1, height),
            3: Matrix(0, -1, height, 1, 0, 0),
        }
        return canvas.warp(
            sample,
            image=lambda image: wrap(torch.rot90(image, turns, (-2, -1)), like=image),
            mask=lambda mask, _: wrap(torch.rot90(mask, turns, (-2, -1)), like=mask),
            matrix=matrix[turns],
        )


@final
class Rotate(Augmentation):
    """A turn about the centre by up to `degrees` to either side; corners that leave the image are lost."""

    degrees: Annotated[float, Field(ge=0, le=180)] = 15.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Turn by an angle drawn evenly from the range."""
        angle = draw.uniform(-self.degrees, self.degrees)
        return canvas.warp(
            sample,
            image=lambda image: F.rotate(image, angle, interpolation=canvas.warp_mode, fill=list(canvas.fill)),
            mask=lambda mask, fill: F.rotate(mask, angle, fill=fill),
            matrix=_about_the_centre(sample, angle=-angle),
        )


@final
class Shear(Augmentation):
    """A slant by up to `x` degrees along the rows and up to `y` degrees along the columns, to either side."""

    x: Annotated[float, Field(ge=0, le=60)] = 10.0
    y: Annotated[float, Field(ge=0, le=60)] = 0.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Slant by two angles drawn evenly from their ranges."""
        slant = [draw.uniform(-self.x, self.x), draw.uniform(-self.y, self.y)]
        return _affine(sample, canvas, angle=0.0, translate=[0.0, 0.0], scale=1.0, shear=slant)


@final
class ShiftScaleRotate(Augmentation):
    """A move by up to `shift` of the image's size, a zoom by up to `scale`, a turn by up to `degrees`, all at once."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.1
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    degrees: Annotated[float, Field(ge=0, le=180)] = 15.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Draw each amount evenly from its range; the zoom lies in 1 - scale … 1 + scale."""
        height, width = sample.size
        move = [draw.uniform(-self.shift, self.shift) * width, draw.uniform(-self.shift, self.shift) * height]
        zoom = 1.0 + draw.uniform(-self.scale, self.scale)
        angle = draw.uniform(-self.degrees, self.degrees)
        return _affine(sample, canvas, angle=angle, translate=move, scale=zoom, shear=[0.0, 0.0])


def _affine(
    sample: Sample, canvas: Canvas, *, angle: float, translate: list[float], scale: float, shear: list[float]
) -> Sample:
    amounts = (angle, translate, scale, shear)
    return canvas.warp(
        sample,
        image=lambda image: F.affine(image, *amounts, interpolation=canvas.warp_mode, fill=list(canvas.fill)),
        mask=lambda mask, fill: F.affine(mask, *amounts, fill=fill),
        matrix=_about_the_centre(sample, *amounts),
    )


def _about_the_centre(
    sample: Sample,
    angle: float,
    translate: list[float] | tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    shear: list[float] | tuple[float, float] = (0.0, 0.0),
) -> Matrix:
    """What torchvision's `affine` does to a point: it slants, turns clockwise and zooms about the middle, then moves.

    The slant is along the columns first, then along the rows.
    """
    turn, x, y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    height, width = sample.size
    # zoom * turn(angle - y) * [[1 / cos y, -tan x / cos y], [0, 1]] ... as torchvision's documentation prints it
    xx = scale * math.cos(turn - y) / math.cos(y)
    xy = scale * (-math.cos(turn - y) * math.tan(x) / math.cos(y) - math.sin(turn))
    yx = scale * math.sin(turn - y) / math.cos(y)
    yy = scale * (-math.sin(turn - y) * math.tan(x) / math.cos(y) + math.cos(turn))
    across, down = width / 2, height / 2
    return Matrix(
        *(xx, xy, across + translate[0] - xx * across - xy * down),
        *(yx, yy, down + translate[1] - yx * across - yy * down),
    )
