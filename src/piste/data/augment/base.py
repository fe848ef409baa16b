"""What every augmentation is: a checked set of settings that changes an image and what lies beside it alike."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torchvision.transforms.v2 import InterpolationMode
from torchvision.tv_tensors import Image, Mask

from piste.data.augment.instances import Matrix
from piste.data.augment.sample import Sample

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
    """How the pixels are made that a transform has to invent, or where they come from.

    Args:
        interpolation: `nearest`, `bilinear` or `bicubic`, for images; masks always take the nearest pixel.
        fill: red, green and blue outside the image, 0 … 255.
        mask_fill: index of the class outside the image, or the ignored index.
        min_visible: the share of its area that an instance must keep inside the image, or else it is dropped.
        partner: draws another sample of the split; None where there is none to mix with.
        background: index of the class that is no object, where masks are of classes and have one.
    """

    interpolation: str
    fill: tuple[int, int, int]
    mask_fill: int
    min_visible: float = 0.0
    partner: Callable[[Random], Sample] | None = None
    background: int | None = None

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

    def other(self, draw: Random) -> Sample:
        """Another sample of the split, as it comes from disk; it may be the same.

        Args:
            draw: where all randomness comes from.
        """
        assert self.partner is not None, "sections refuse steps that mix samples where there are none"
        return self.partner(draw)

    def warp(
        self, sample: Sample, *, image: Callable[[Image], Image], mask: Callable[[Mask, int], Mask], matrix: Matrix
    ) -> Sample:
        """A sample with its pixels at other places; what has no place any more is dropped.

        Args:
            sample: an image and what lies beside it.
            image: makes the new image.
            mask: makes a new mask, of classes [H, W] or of instances [n, H, W], given what lies outside it.
            matrix: where a point of the image goes; what `image` and `mask` do, in coordinates.
        """
        new = image(sample.image)
        instances = sample.instances
        if instances is not None:
            height, width = new.shape[-2:]
            instances = instances.warped(lambda masks: mask(masks, 0), matrix, (height, width), self.min_visible)
        labels = None if sample.mask is None else mask(sample.mask, self.mask_fill)
        return Sample(new, labels, instances)


class Augmentation(BaseModel, ABC):
    """A change to an image and to what lies beside it, made with probability `p`.

    All that is random comes from the generator in the call, so that a sample looks the same whichever process
    draws it; how much is drawn from it does not depend on what lies beside the image. Nothing is changed in place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fixed: ClassVar[bool] = False
    """Whether it does the same to every image, so that it may prepare images for evaluation, too."""

    mixes: ClassVar[bool] = False
    """Whether it takes other samples of the split, too, and what lies beside their images."""

    p: Probability = 0.5

    @abstractmethod
    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """The changed sample."""

    def __call__(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """The sample, changed with probability `p`."""
        if draw.random() < self.p:
            return self.apply(sample, draw, canvas)
        return sample
