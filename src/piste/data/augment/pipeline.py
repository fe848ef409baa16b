"""Augmentations one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from torch import Tensor
from torchvision.tv_tensors import Image, Mask

from piste.data.augment.base import Augmentation, Canvas


@dataclass(frozen=True)
class Pipeline:
    """A fixed order of augmentations.

    Args:
        steps: what is done, in this order.
        canvas: how pixels are made that were not there.
    """

    steps: Sequence[Augmentation]
    canvas: Canvas

    def __call__(self, image: Tensor, mask: Tensor, draw: Random) -> tuple[Tensor, Tensor]:
        """Put an image and its mask through all steps.

        Args:
            image: uint8 [3, H, W].
            mask: uint8 [H, W], indices of classes.
            draw: where all randomness comes from.

        Returns:
            The new image and mask, of one size, which need not be the one that came.
        """
        if not self.steps:
            return image, mask
        picture, labels = Image(image), Mask(mask)
        for step in self.steps:
            picture, labels = step(picture, labels, draw, self.canvas)
        return picture.as_subclass(Tensor), labels.as_subclass(Tensor)

    def image(self, image: Tensor, draw: Random) -> Tensor:
        """Put an image that has no mask through all steps.

        Args:
            image: uint8 [3, H, W].
            draw: where all randomness comes from.
        """
        return self(image, image.new_zeros(image.shape[1:]), draw)[0]
