"""Augmentations that flip, turn, move and slant; the size stays, but for quarter turns of an oblong image."""

from random import Random
from typing import Annotated, final

import torch
from pydantic import Field
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Image, Mask, wrap

from piste.data.augment.base import Augmentation, Canvas, Probability


@final
class HorizontalFlip(Augmentation):
    """Left becomes right."""

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Mirror the columns."""
        return F.horizontal_flip(image), F.horizontal_flip(mask)


@final
class VerticalFlip(Augmentation):
    """Top becomes bottom."""

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Mirror the rows."""
        return F.vertical_flip(image), F.vertical_flip(mask)


@final
class Rotate90(Augmentation):
    """One, two or three quarter turns, each as likely. With `p` of 0.75 all four directions are equally likely."""

    p: Probability = 0.75

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Turn counter-clockwise; height and width change places in an odd turn."""
        turns = draw.randint(1, 3)
        return (
            wrap(torch.rot90(image, turns, (-2, -1)), like=image),
            wrap(torch.rot90(mask, turns, (-2, -1)), like=mask),
        )


@final
class Rotate(Augmentation):
    """A turn about the centre by up to `degrees` to either side; corners that leave the image are lost."""

    degrees: Annotated[float, Field(ge=0, le=180)] = 15.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Turn by an angle drawn evenly from the range."""
        angle = draw.uniform(-self.degrees, self.degrees)
        return (
            F.rotate(image, angle, interpolation=canvas.warp_mode, fill=list(canvas.fill)),
            F.rotate(mask, angle, fill=canvas.mask_fill),
        )


@final
class Shear(Augmentation):
    """A slant by up to `x` degrees along the rows and up to `y` degrees along the columns, to either side."""

    x: Annotated[float, Field(ge=0, le=60)] = 10.0
    y: Annotated[float, Field(ge=0, le=60)] = 0.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Slant by two angles drawn evenly from their ranges."""
        slant = [draw.uniform(-self.x, self.x), draw.uniform(-self.y, self.y)]
        return _affine(image, mask, canvas, angle=0.0, translate=[0.0, 0.0], scale=1.0, shear=slant)


@final
class ShiftScaleRotate(Augmentation):
    """A move by up to `shift` of the image's size, a zoom by up to `scale`, a turn by up to `degrees`, all at once."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.1
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    degrees: Annotated[float, Field(ge=0, le=180)] = 15.0

    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Draw each amount evenly from its range; the zoom lies in 1 - scale … 1 + scale."""
        height, width = mask.shape[-2:]
        move = [draw.uniform(-self.shift, self.shift) * width, draw.uniform(-self.shift, self.shift) * height]
        zoom = 1.0 + draw.uniform(-self.scale, self.scale)
        angle = draw.uniform(-self.degrees, self.degrees)
        return _affine(image, mask, canvas, angle=angle, translate=move, scale=zoom, shear=[0.0, 0.0])


def _affine(
    image: Image, mask: Mask, canvas: Canvas, *, angle: float, translate: list[float], scale: float, shear: list[float]
) -> tuple[Image, Mask]:
    return (
        F.affine(image, angle, translate, scale, shear, interpolation=canvas.warp_mode, fill=list(canvas.fill)),
        F.affine(mask, angle, translate, scale, shear, fill=canvas.mask_fill),
    )
