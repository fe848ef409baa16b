"""Augmentations that change colours and leave all that lies beside the image as it is."""

import math
from random import Random
from typing import Annotated, ClassVar, final

import torch
from pydantic import Field
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import wrap

from piste.data.augment.base import Augmentation, Canvas, Probability, ranged
from piste.data.augment.sample import Sample

Strength = Annotated[float, Field(ge=0, le=1)]


@final
class ColourJitter(Augmentation):
    """Brightness, contrast and saturation, each times 1 - x … 1 + x, and a hue moved by up to x of its circle."""

    brightness: Strength = 0.2
    contrast: Strength = 0.2
    saturation: Strength = 0.2
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Make the changes in random order."""
        changes = [
            (F.adjust_brightness, self.brightness, 1.0),
            (F.adjust_contrast, self.contrast, 1.0),
            (F.adjust_saturation, self.saturation, 1.0),
            (F.adjust_hue, self.hue, 0.0),
        ]
        draw.shuffle(changes)
        image = sample.image
        for change, reach, middle in changes:
            amount = draw.uniform(middle - reach, middle + reach)
            if reach:
                image = change(image, amount)
        return sample.coloured(image)


@final
class Equalize(Augmentation):
    """A flat histogram: each channel uses all its values equally often."""

    fixed: ClassVar[bool] = True

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Equalize each channel."""
        return sample.coloured(F.equalize(sample.image))


@final
class Blur(Augmentation):
    """A Gaussian blur whose `sigma`, in pixels, is drawn from a range."""

    sigma: ranged(0.1, 20.0) = (0.1, 2.0)  # type: ignore[valid-type]

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Blur with a kernel that reaches three sigmas, or as far as a small image lets it."""
        sigma = draw.uniform(*self.sigma)
        reach = min(math.ceil(3 * sigma), min(sample.size) - 1)
        return sample.coloured(F.gaussian_blur(sample.image, [2 * reach + 1] * 2, [sigma] * 2))


@final
class GaussianNoise(Augmentation):
    """Noise on every value, of a standard deviation `sigma` drawn from a range; 1 is the way from black to white."""

    sigma: ranged(0.0, 1.0) = (0.0, 0.05)  # type: ignore[valid-type]

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Add noise and clip what leaves the range."""
        sigma = 255 * draw.uniform(*self.sigma)
        # torchvision's own noise draws from the process-wide random state.
        generator = torch.Generator().manual_seed(draw.getrandbits(63))
        image = sample.image
        noise = sigma * torch.randn(image.shape, generator=generator)
        return sample.coloured(wrap((image + noise).round_().clamp_(0, 255).to(torch.uint8), like=image))


@final
class Grey(Augmentation):
    """No colour: the luma of each pixel in all three channels."""

    fixed: ClassVar[bool] = True

    p: Probability = 0.2

    def apply(self, sample: Sample, draw: Random, canvas: Canvas) -> Sample:
        """Replace colours by their luma."""
        return sample.coloured(F.rgb_to_grayscale(sample.image, num_output_channels=3))
