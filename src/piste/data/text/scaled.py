"""Images of lines, all scaled to one height."""

from typing import final

from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from piste.data.pictures import Pictures


@final
class Scaled(Pictures):
    """Images scaled to a height; their shape stays.

    Args:
        pictures: where they come from.
        height: in pixels.
        mode: how they are resampled.
    """

    def __init__(self, pictures: Pictures, height: int, mode: InterpolationMode) -> None:
        self.pictures = pictures
        self.height = height
        self.mode = mode
        self.names = pictures.names
        self.sizes = [(height, max(1, round(width * height / tall))) for tall, width in pictures.sizes]

    def read(self, index: int) -> Tensor:
        """Read and scale an image: uint8 [3, height, W]."""
        return scaled(self.pictures.read(index), self.height, self.mode)


def scaled(image: Tensor, height: int, mode: InterpolationMode) -> Tensor:
    """An image, uint8 [3, H, W], at a height."""
    width = max(1, round(image.shape[2] * height / image.shape[1]))
    resized: Tensor = F.resize(image, [height, width], mode, antialias=True)
    return resized
