"""The `data:` section of a recipe."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from piste.data.augment import Canvas, Entry, Pipeline
from piste.data.augment.base import Augmentation
from piste.data.counts import IGNORE_INDEX
from piste.data.folder import BUILT_IN
from piste.data.split import SplitRecipe, read_split
from piste.names import nearest

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]
Value = Annotated[int, Field(ge=0, le=65535)] | Colour
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


class Statistics(BaseModel):
    """Mean and standard deviation of red, green and blue, where black is 0 and white is 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def _read_classes(classes: object) -> object:
    """The mapping that classes stand for: a list of names gives them the values 0, 1, 2 and so on."""
    if isinstance(classes, list) and all(isinstance(name, str) for name in classes):
        if len(set(classes)) < len(classes):
            raise ValueError(f"names each class once; got {classes!r:.80}")
        return {name: value for value, name in enumerate(classes)}
    if isinstance(classes, dict):
        for name, value in classes.items():
            _check_value(f"the class {name}", value)
        return {str(name): value for name, value in classes.items()}
    if classes is None:
        return classes
    raise ValueError(f"maps names to values or colours, such as {{background: 0, lake: 255}}; got {classes!r:.60}")


def _check_value(what: str, value: object) -> None:
    if isinstance(value, int) and not isinstance(value, bool):
        legal = 0 <= value <= 65535
    else:
        legal = _is_triple(value, int, 0, 255)
    if not legal:
        raise ValueError(
            f"{what} needs a value of 0 … 65535 or a colour [red, green, blue] of 0 … 255; got {value!r:.60}"
        )


def _read_ignored(ignore: object) -> object:
    """One value, or a list of values or colours."""
    ignore = [] if ignore is None else ignore if isinstance(ignore, list | tuple) else [ignore]
    for value in ignore:
        _check_value("each entry", value)
    return list(ignore)


def _read_fill(fill: object) -> object:
    """The mean, a grey, or a colour."""
    if fill == "mean":
        return fill
    colour = [fill] * 3 if isinstance(fill, int) else fill
    if not _is_triple(colour, int, 0, 255):
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
    if not _is_triple(mean, float, 0, 1) or not _is_triple(std, float, 1e-6, 1):
        rule = "takes three numbers of 0 … 1 for mean and three above 0 for std"
        raise ValueError(f"{rule}, where white is 1; got {mean!r:.60} and {std!r:.60}; divide by 255 if white is 255")
    return normalize


def _is_triple(values: object, kind: type, low: float, high: float) -> bool:
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


class DataRecipe(BaseModel):
    """Which images a run learns from, how they are split, and how they are shown to the model.

    `path` is the name of a built-in data set (`lakes`) or a folder with `images/` and `masks/`, equal stems.
    `classes` maps the name of each class to its value in the masks (`{background: 0, lake: 255}`), or to its colour
    (`{background: [0, 0, 0], lake: [0, 0, 255]}`); a list of names stands for 0, 1, 2, …; null takes the values found,
    which then must be 0, 1, 2, … without a gap. Pixels whose value is in `ignore` count for nothing. `background`
    names the class that is no object: the one called background, where there is one. `window` is the values shown
    as black and as white of images with more than 8 bits, such as `[0, 4095]`.

    `split` is `file` (the column `split` of `split.csv`, the default where there is that file) or a `SplitRecipe`.

    `prepare` is done to every image once, as it is read (resize, centre_crop); `augment` to training images, anew in
    each epoch; `evaluate` to images that are evaluated. Each is a list of names or of `{name: {settings}}`.
    `interpolation` is how images are resampled, masks always take the nearest pixel; bicubic holds for resizing
    alone, turning and shearing are then bilinear. `fill` is what lies outside an image: `mean` (of `normalize`), a
    grey or a colour; `mask_fill` what lies outside a mask: `ignore`, so that it counts for nothing, or a class.

    `normalize` subtracts a mean and divides by a deviation: `imagenet`, `data` (those of the training images), or
    numbers. `cache` keeps decoded images in memory: always, never, or `auto`, where all of them take less than
    512 MB.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str
    classes: Annotated[dict[str, Value] | None, BeforeValidator(_read_classes)] = None
    ignore: Annotated[list[Value], BeforeValidator(_read_ignored)] = []
    background: str | None = None
    window: Annotated[tuple[float, float] | None, BeforeValidator(_read_window)] = None
    split: Annotated[SplitRecipe | None, BeforeValidator(read_split)] = None
    prepare: list[Entry] = []
    augment: list[Entry] = []
    evaluate: list[Entry] = []
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    fill: Annotated[Literal["mean"] | Colour, BeforeValidator(_read_fill)] = "mean"
    mask_fill: str = "ignore"
    normalize: Annotated[Literal["data"] | Statistics, BeforeValidator(_read_normalize)] = Field(
        default="imagenet", validate_default=True
    )
    cache: Literal["auto"] | bool = "auto"

    @field_validator("path", mode="before")
    @classmethod
    def _text(cls, path: object) -> object:
        return str(path) if isinstance(path, Path) else path

    @field_validator("prepare", "evaluate")
    @classmethod
    def _nothing_random(cls, steps: list[Augmentation]) -> list[Augmentation]:
        for step in steps:
            if not step.fixed or step.p != 1:
                came = f"{type(step).__name__} with p={step.p}"
                raise ValueError(f"takes only what does the same each time, such as resize and centre_crop; got {came}")
        return steps

    @model_validator(mode="after")
    def _classes_agree(self) -> Self:
        if self.classes is None:
            return self
        if not 2 <= len(self.classes) <= IGNORE_INDEX - 1:
            raise ValueError(f"classes must name 2 … 254 classes, the background among them; got {len(self.classes)}")
        if "ignore" in self.classes:
            raise ValueError("classes can't hold one called ignore; list its value under data.ignore")
        values = [*self.classes.values(), *self.ignore]
        if len({isinstance(value, tuple) for value in values}) > 1:
            raise ValueError("classes and ignore must all be values or all be colours; got some of each")
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise ValueError(f"classes and ignore must give each value once; {twice} stands there twice")
        for key, name, words in (("background", self.background, ()), ("mask_fill", self.mask_fill, ("ignore",))):
            if name is not None and name not in (*self.classes, *words):
                raise ValueError(f"{key}: no class is called {name}; {nearest(name, [*self.classes, *words])}")
        return self

    def beside(self, folder: Path) -> Self:
        """The same recipe with a relative path taken from `folder`; a built-in data set stays what it is."""
        if self.path in BUILT_IN:
            return self
        return self.model_copy(update={"path": str(folder / Path(self.path).expanduser())})

    def resolved(self, **choices: Any) -> Self:
        """The same recipe with what was left open decided, checked again."""
        return self.model_validate({**self.model_dump(mode="json"), **choices})

    def canvas(self) -> Canvas:
        """How invented pixels look; asks for classes and `normalize` to be resolved."""
        mean = self.normalize.mean if isinstance(self.normalize, Statistics) else (0.0, 0.0, 0.0)
        fill = self.fill if isinstance(self.fill, tuple) else tuple(round(255 * value) for value in mean)
        classes = list(self.classes or ())
        outside = IGNORE_INDEX if self.mask_fill == "ignore" else classes.index(self.mask_fill)
        return Canvas(self.interpolation, (fill[0], fill[1], fill[2]), outside)

    def pipeline(self, steps: list[Augmentation]) -> Pipeline:
        """Some of this recipe's steps, one after the other."""
        return Pipeline(steps, self.canvas())
