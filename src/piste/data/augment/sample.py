"""What augmentations work on: an image and what lies beside it."""

from dataclasses import dataclass, replace
from typing import Self

from torchvision.tv_tensors import Image, Mask

from piste.data.augment.instances import Instances


@dataclass(frozen=True)
class Sample:
    """An image, with a mask, with instances, or alone; all of it goes through the same changes.

    Args:
        image: uint8 [3, H, W].
        mask: uint8 [H, W], indices of classes.
        instances: the boxes, and perhaps masks, of the objects in the image.
    """

    image: Image
    mask: Mask | None = None
    instances: Instances | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.image.shape[-2:]
        return height, width

    def coloured(self, image: Image) -> Self:
        """The same sample with other colours."""
        return replace(self, image=image)
