"""What every augmentation is: a checked set of settings that changes an image and its mask alike."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torchvision.transforms.v2 import InterpolationMode
from torchvision.tv_tensors import Image, Mask

Probability = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=2, le=16384)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"a range goes from low to high; got {list(ends)}")
    return ends


def ranged(low: float, high: float) -> Any:
    """The type of a range [from, to] whose ends lie in low … high."""
    end = Annotated[float, Field(ge=low, le=high)]
    return Annotated[tuple[end, end], AfterValidator(_rising)]


@dataclass(frozen=True)
class Canvas:
    """How the pixels are made that a transform has to invent.

    Args:
        interpolation: `nearest`, `bilinear` or `bicubic`, for images; masks always take the nearest pixel.
        fill: red, green and blue outside the image, 0 … 255.
        mask_fill: index of the class outside the image, or the ignored index.
    """

    interpolation: str
    fill: tuple[int, int, int]
    mask_fill: int

    @property
    def resize_mode(self) -> InterpolationMode:
        """How images are resized; the nearest pixel is the one whose middle is nearest, as it is for masks."""
        return (
            InterpolationMode.NEAREST_EXACT
            if self.interpolation == "nearest"
            else InterpolationMode(self.interpolation)
        )

    @property
    def warp_mode(self) -> InterpolationMode:
        """How images are turned and sheared; torchvision knows no bicubic here and bilinear stands in for it."""
        return InterpolationMode.NEAREST if self.interpolation == "nearest" else InterpolationMode.BILINEAR


class Augmentation(BaseModel, ABC):
    """A change to an image and its mask, made with probability `p`.

    All that is random comes from the generator in the call, so that a sample looks the same whichever process
    draws it. The image is uint8 [3, H, W]; the mask holds the indices of classes, uint8 [H, W]. Neither is changed in
    place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fixed: ClassVar[bool] = False
    """Whether it does the same to every image, so that it may prepare images for evaluation, too."""

    p: Probability = 0.5

    @abstractmethod
    def apply(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """The changed image and mask."""

    def __call__(self, image: Image, mask: Mask, draw: Random, canvas: Canvas) -> tuple[Image, Mask]:
        """Image and mask, changed with probability `p`."""
        if draw.random() < self.p:
            return self.apply(image, mask, draw, canvas)
        return image, mask
