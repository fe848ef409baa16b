"""What the `data:` sections of all tasks share: where the data lie, how they are split and how images are shown."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from torch import Tensor

from piste.data.augment import Canvas, Entry, Pipeline, name_of
from piste.data.augment.base import Augmentation
from piste.data.counts import IGNORE_INDEX
from piste.data.split import SplitRecipe, read_split

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's and torchvision's grey
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


class Statistics(BaseModel):
    """Mean and standard deviation of red, green and blue, where black is 0 and white is 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, image: Tensor) -> Tensor:
        """An image, uint8 [3, H, W], normalised: float32."""
        return image.float().sub_(self._bytes(self.mean)).div_(self._bytes(self.std))

    def of_channels(self, channels: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Mean and deviation [C, 1, 1] of images with 3 channels or with 1, and what each colour counts in the one."""
        mean, std = torch.tensor(self.mean).view(3, 1, 1), torch.tensor(self.std).view(3, 1, 1)
        if channels == 3:
            return mean, std, None
        grey = torch.tensor(LUMINANCE).view(3, 1, 1)
        return (mean * grey).sum(0, keepdim=True), std.mean(0, keepdim=True), grey

    def _bytes(self, values: tuple[float, float, float]) -> Tensor:
        return 255 * torch.tensor(values).view(3, 1, 1)


def _read_fill(fill: object) -> object:
    """The mean, a grey, or a colour."""
    if fill == "mean":
        return fill
    colour = [fill] * 3 if isinstance(fill, int) else fill
    if not is_triple(colour, int, 0, 255):
        raise ValueError(f"is mean, a grey of 0 … 255 or a colour [red, green, blue]; got {fill!r:.60}")
    return colour


def _read_normalize(normalize: object) -> object:
    """A name, or two triples of numbers where white is 1."""
    if normalize == "imagenet":
        return IMAGENET
    if normalize == "data" or isinstance(normalize, Statistics):
        return normalize
    if not isinstance(normalize, dict) or set(normalize) != {"mean", "std"}:
        raise ValueError(f"is imagenet, data or {{mean: [r, g, b], std: [r, g, b]}}; got {normalize!r:.80}")
    mean, std = normalize["mean"], normalize["std"]
    if not is_triple(mean, float, 0, 1) or not is_triple(std, float, 1e-6, 1):
        rule = "takes three numbers of 0 … 1 for mean and three above 0 for std"
        raise ValueError(f"{rule}, where white is 1; got {mean!r:.60} and {std!r:.60}; divide by 255 if white is 255")
    return normalize


def is_triple(values: object, kind: type, low: float, high: float) -> bool:
    """Whether these are three numbers of a kind within bounds."""
    if not isinstance(values, list | tuple) or len(values) != 3:
        return False
    return all(isinstance(value, int | kind) and low <= value <= high for value in values)  # type: ignore[operator]


def _read_window(window: object) -> object:
    """Two rising numbers, or nothing."""
    if window is None:
        return window
    numbers = window if isinstance(window, list | tuple) else ()
    if len(numbers) != 2 or not all(isinstance(n, int | float) for n in numbers) or not numbers[0] < numbers[1]:
        raise ValueError(f"goes from the value of black to the value of white, such as [0, 65535]; got {window!r:.60}")
    return window


Window = Annotated[tuple[float, float] | None, BeforeValidator(_read_window)]
"""The values shown as black and as white."""


class DataSection(BaseModel):
    """Which data a run learns from, and how they are split.

    `path` is a folder, or the name of a built-in data set. `split` is `file` (the column `split` of `split.csv`, the
    default where there is that file) or a `SplitRecipe`. `cache` keeps decoded samples in memory: always, never, or
    `auto`, where all of them take less than 512 MB.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    built_in: ClassVar[frozenset[str]] = frozenset()
    """Names of data sets that come with the package or with one of its libraries; any other path is a place."""

    path: str
    split: Annotated[
        SplitRecipe | None, BeforeValidator(read_split, json_schema_input_type=SplitRecipe | str | None)
    ] = None
    cache: Literal["auto"] | bool = "auto"

    @field_validator("path", mode="before")
    @classmethod
    def _text(cls, path: object) -> object:
        return str(path) if isinstance(path, Path) else path

    def resolved(self, **choices: Any) -> Self:
        """The same section with what was left open decided, checked again."""
        return self.model_validate({**self.model_dump(mode="json"), **choices})


class ImagesSection(DataSection):
    """Which images a run learns from, and how they are shown to the model.

    `window` is the values shown as black and as white of images with more than 8 bits, such as `[0, 4095]`.

    `prepare` is done to every image once, as it is read (resize, centre_crop); `augment` to training images, anew in
    each epoch; `evaluate` to images that are evaluated. Each is a list of names or of `{name: {settings}}`.
    `interpolation` is how images are resampled; bicubic holds for resizing alone, turning and shearing are then
    bilinear. `fill` is what lies outside an image: `mean` (of `normalize`), a grey or a colour.

    `normalize` subtracts a mean and divides by a deviation: `imagenet`, `data` (those of the training images), or
    numbers.
    """

    mixes: ClassVar[bool] = False
    """Whether steps may join several samples in one, with what lies beside their images."""

    window: Window = None
    prepare: list[Entry] = []
    augment: list[Entry] = []
    evaluate: list[Entry] = []
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    fill: Annotated[
        Literal["mean"] | Colour, BeforeValidator(_read_fill, json_schema_input_type=Literal["mean"] | Byte | Colour)
    ] = "mean"
    normalize: Annotated[
        Literal["data"] | Statistics,
        BeforeValidator(_read_normalize, json_schema_input_type=Literal["imagenet", "data"] | Statistics),
    ] = Field(default="imagenet", validate_default=True)

    @field_validator("prepare", "evaluate")
    @classmethod
    def _nothing_random(cls, steps: list[Augmentation]) -> list[Augmentation]:
        for step in steps:
            if not step.fixed or step.p != 1:
                came = f"{type(step).__name__} with p={step.p}"
                raise ValueError(f"takes only what does the same each time, such as resize and centre_crop; got {came}")
        return steps

    @field_validator("augment")
    @classmethod
    def _nothing_mixed(cls, steps: list[Augmentation]) -> list[Augmentation]:
        mixing = [name_of(type(step)) for step in steps if step.mixes]
        if mixing and not cls.mixes:
            raise ValueError(f"can't have {mixing[0]}, which joins the boxes or the masks of several images; remove it")
        return steps

    def pipeline(self, steps: list[Augmentation], outside: int = IGNORE_INDEX) -> Pipeline:
        """Some of this section's steps, one after the other; asks for `normalize` to be resolved.

        Args:
            steps: such as `self.augment`.
            outside: what lies outside a mask, for tasks that have one.
        """
        mean = self.normalize.mean if isinstance(self.normalize, Statistics) else (0.0, 0.0, 0.0)
        fill = self.fill if isinstance(self.fill, tuple) else tuple(round(255 * value) for value in mean)
        return Pipeline(steps, Canvas(self.interpolation, (fill[0], fill[1], fill[2]), outside))
