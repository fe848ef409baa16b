"""Augmentations one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Self

from torch import Tensor
from torchvision.tv_tensors import Image, Mask

from piste.data.augment.base import Augmentation, Canvas
from piste.data.augment.sample import Sample


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
        sample = self.sample(Sample(Image(image), Mask(mask)), draw)
        assert sample.mask is not None
        return sample.image.as_subclass(Tensor), sample.mask.as_subclass(Tensor)

    def image(self, image: Tensor, draw: Random) -> Tensor:
        """Put an image that has nothing beside it through all steps.

        Args:
            image: uint8 [3, H, W].
            draw: where all randomness comes from.
        """
        if not self.steps:
            return image
        picture: Tensor = self.sample(Sample(Image(image)), draw).image.as_subclass(Tensor)
        return picture

    def mixing(
        self, partner: Callable[[Random], Sample] | None, *, background: int | None = None, min_visible: float = 0.0
    ) -> Self:
        """The same steps where other samples can be drawn.

        Args:
            partner: draws another sample of the split; None where no step mixes.
            background: index of the class that is no object, where masks are of classes and have one.
            min_visible: the share of its area that an instance must keep inside the image.
        """
        canvas = replace(self.canvas, partner=partner, background=background, min_visible=min_visible)
        return replace(self, canvas=canvas)

    def sample(self, sample: Sample, draw: Random) -> Sample:
        """Put an image and whatever lies beside it through all steps.

        Args:
            sample: what comes in; it stays as it is.
            draw: where all randomness comes from.
        """
        for step in self.steps:
            sample = step(sample, draw, self.canvas)
        return sample
