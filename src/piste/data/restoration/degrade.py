"""What is done to clean images to make the inputs of a network that is to undo it."""

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Annotated, Any, Literal, final

import numpy as np
import torch
from PIL import Image
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur_image

from piste.data.augment.base import ranged
from piste.data.entries import entry_schema, read_entry, snake_case

Kernel = Literal["bicubic", "area"]


def _as_range(amount: object) -> object:
    """A number stands for the range from it to itself."""
    return [amount, amount] if isinstance(amount, int | float) and not isinstance(amount, bool) else amount


def _as_written(ends: tuple[Any, Any]) -> Any:
    return ends[0] if ends[0] == ends[1] else list(ends)


def _whole(ends: tuple[float, float]) -> tuple[float, float]:
    if any(end != int(end) for end in ends):
        raise ValueError(f"takes whole numbers; got {_as_written(ends)}")
    return int(ends[0]), int(ends[1])


def amount(low: float, high: float, *, whole: bool = False) -> Any:
    """The type of a number of low … high, or of a range [from, to] that it is drawn from evenly."""
    one = {"type": "integer" if whole else "number", "minimum": low, "maximum": high}
    schema = {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]}
    kind: Any = Annotated[
        ranged(low, high), BeforeValidator(_as_range), PlainSerializer(_as_written), WithJsonSchema(schema)
    ]
    return Annotated[kind, AfterValidator(_whole)] if whole else kind


class Degradation(BaseModel, ABC):
    """One way in which an image loses something. All that is random comes from the generator in the call."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @abstractmethod
    def apply(self, image: Tensor, draw: Random) -> Tensor:
        """What is left of an image: float32 [3, H, W], black 0 and white 1, to the same, perhaps smaller."""


@final
class Downscale(Degradation):
    """1 / `factor` of the height and of the width, by an antialiased `bicubic` kernel or by the mean of each `area`."""

    factor: Annotated[int, Field(ge=2, le=8)]
    kernel: Kernel = "bicubic"

    def apply(self, image: Tensor, draw: Random) -> Tensor:
        """Resample; a bicubic kernel overshoots at edges, and what leaves 0 … 1 is clipped."""
        if self.kernel == "area":
            return F.avg_pool2d(image, self.factor)
        size = [side // self.factor for side in image.shape[-2:]]
        return F.interpolate(image[None], size=size, mode="bicubic", antialias=True)[0].clamp_(0, 1)


@final
class Blur(Degradation):
    """A Gaussian blur of standard deviation `sigma`, in pixels of the image as it comes; reflected at the border."""

    sigma: amount(0.0, 20.0) = (1.0, 1.0)  # type: ignore[valid-type]

    def apply(self, image: Tensor, draw: Random) -> Tensor:
        """Blur with a kernel that reaches three sigmas, or as far as a small image lets it."""
        sigma = draw.uniform(*self.sigma)
        reach = min(math.ceil(3 * sigma), min(image.shape[-2:]) - 1)
        return gaussian_blur_image(image, [2 * reach + 1] * 2, [sigma] * 2) if reach else image


@final
class Noise(Degradation):
    """Gaussian noise on every value, of standard deviation `sigma`; 1 is the way from black to white."""

    sigma: amount(0.0, 1.0) = (0.05, 0.05)  # type: ignore[valid-type]

    def apply(self, image: Tensor, draw: Random) -> Tensor:
        """Add noise, each value its own."""
        sigma = draw.uniform(*self.sigma)
        generator = torch.Generator().manual_seed(draw.getrandbits(63))
        return image + sigma * torch.randn(image.shape, generator=generator)


@final
class Jpeg(Degradation):
    """What a JPEG file of `quality` 1 … 100 keeps, its colours at half the resolution as usual."""

    quality: amount(1, 100, whole=True) = (40, 40)  # type: ignore[valid-type]

    def apply(self, image: Tensor, draw: Random) -> Tensor:
        """Write the file to memory and read it again."""
        file = io.BytesIO()
        pixels = as_bytes(image).permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(file, "JPEG", quality=draw.randint(*self.quality))
        with Image.open(file, formats=("JPEG",)) as kept:
            return torch.from_numpy(np.array(kept)).permute(2, 0, 1).float().div_(255)


DEGRADATIONS: Mapping[str, type[Degradation]] = MappingProxyType(
    {snake_case(kind.__name__): kind for kind in (Downscale, Blur, Noise, Jpeg)}
)


def _read(entry: object) -> Degradation:
    return entry if isinstance(entry, Degradation) else read_entry(entry, DEGRADATIONS, "a degradation")


def _written(step: Degradation) -> dict[str, Any]:
    return {snake_case(type(step).__name__): step.model_dump(mode="json")}


Entry = Annotated[
    Degradation, BeforeValidator(_read), PlainSerializer(_written), WithJsonSchema(entry_schema(DEGRADATIONS))
]
"""The type of a degradation in a pydantic model: read from, and written as, an entry of a recipe."""


def scale_of(steps: Sequence[Degradation]) -> int:
    """How many times smaller images come out of all steps."""
    return math.prod(step.factor for step in steps if isinstance(step, Downscale))


def degraded(image: Tensor, steps: Sequence[Degradation], draw: Random) -> Tensor:
    """What is left of an image after all steps, as 8 bits hold it: clipped and rounded.

    Args:
        image: uint8 [3, H, W], its sides divisible by what the steps scale down.
        steps: what is done, in this order.
        draw: where all randomness comes from.

    Returns:
        uint8 [3, H / scale, W / scale].
    """
    values = image.float().div_(255)
    for step in steps:
        values = step.apply(values, draw)
    return as_bytes(values)


def as_bytes(values: Tensor) -> Tensor:
    """Values of 0 … 1 as bytes, clipped and rounded."""
    return values.mul(255).round_().clamp_(0, 255).to(torch.uint8)
