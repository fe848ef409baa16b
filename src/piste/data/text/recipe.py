"""The `data:` section of text."""

from typing import Annotated, ClassVar, Self, final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from piste.data.augment.base import Augmentation, ranged
from piste.data.augment.catalogue import name_of
from piste.data.section import ImagesSection
from piste.data.text.alphabet import is_writable
from piste.data.text.fonts import FONTS

LINES = "lines"
LABELS = "labels.csv"
KEEPS_TEXT = (
    *("rotate", "shear", "shift_scale_rotate"),
    *("colour_jitter", "equalize", "blur", "gaussian_noise", "grey"),
)
"""Augmentations that leave a line its direction, its size and all of its characters."""

Lines = Annotated[int, Field(ge=1, le=1_000_000)]
Words = Annotated[int, Field(ge=1, le=20)]
Size = Annotated[int, Field(ge=8, le=200)]


def _rising(ends: tuple[int, int]) -> tuple[int, int]:
    if ends[0] > ends[1]:
        raise ValueError(f"goes from low to high; got {list(ends)}")
    return ends


@final
class LinesRecipe(BaseModel):
    """How the lines of the built-in data set are made.

    `train`, `val` and `test` are how many there are; no line is in two of them. `words` are the fewest and the most
    words of a line, `fonts` names of fonts that come with matplotlib or paths of font files, `sizes` the smallest and
    the largest size in pixels. `skew` is the largest turn in degrees to either side; `blur` a range of sigmas in
    pixels; `noise` a range of deviations, where 1 is the way from black to white. All of it follows from `seed`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    train: Lines = 3000
    val: Lines = 400
    test: Lines = 400
    words: Annotated[tuple[Words, Words], AfterValidator(_rising)] = (1, 4)
    fonts: Annotated[tuple[str, ...], Field(min_length=1)] = FONTS
    sizes: Annotated[tuple[Size, Size], AfterValidator(_rising)] = (12, 32)
    skew: Annotated[float, Field(ge=0, le=20)] = 1.5
    blur: ranged(0.0, 10.0) = (0.0, 1.0)  # type: ignore[valid-type]
    noise: ranged(0.0, 1.0) = (0.0, 0.1)  # type: ignore[valid-type]
    seed: Annotated[int, Field(ge=0)] = 0


@final
class TextDataRecipe(ImagesSection):
    """Which lines of text a run learns from, and how they are shown to the model.

    `path` is the name of a built-in data set (`lines`, whose making `lines` describes) or a folder with `labels`, a
    CSV file with the columns `path` (of an image, from the folder on), `text` (what it says) and, if wanted, `split`
    (train, val or test), which then is the default split. Texts are compared as Unicode's composed characters (NFC),
    without blanks at their ends.

    Images are scaled to a `height` in pixels, and keep their shape; in a batch they are padded to the widest.
    `alphabet` is the characters that the model can write, in one string; null takes those of the training lines.
    The other keys are those of `ImagesSection`; `prepare`, `augment` and `evaluate` take what leaves a line readable
    and as large as it is.
    """

    built_in: ClassVar[frozenset[str]] = frozenset({LINES})

    labels: str = LABELS
    height: Annotated[int, Field(ge=8, le=512)] = 32
    alphabet: str | None = None
    lines: LinesRecipe | None = None

    @field_validator("alphabet")
    @classmethod
    def _each_character_once(cls, alphabet: str | None) -> str | None:
        if alphabet is None:
            return None
        if not alphabet:
            raise ValueError("names the characters in one string, such as 0123456789; got none")
        twice = next((char for char in alphabet if alphabet.count(char) > 1), None)
        if twice is not None:
            raise ValueError(f"names each character once; {twice!r} stands there twice")
        strange = next((char for char in alphabet if not is_writable(char)), None)
        if strange is not None:
            raise ValueError(
                f"holds {strange!r}, which no text does: texts are in composed characters (NFC), on one line"
            )
        return alphabet

    @field_validator("prepare", "augment", "evaluate")
    @classmethod
    def _stays_readable(cls, steps: list[Augmentation]) -> list[Augmentation]:
        for name in (name_of(type(step)) for step in steps):
            if name not in KEEPS_TEXT:
                raise ValueError(
                    f": {name} would turn, cut or resize lines, which are scaled to data.height; these do not: "
                    f"{', '.join(KEEPS_TEXT)}"
                )
        return steps

    @model_validator(mode="after")
    def _keys_apply(self) -> Self:
        built_in = self.path == LINES
        if self.lines is not None and not built_in:
            raise ValueError(f"`data.lines` describes the built-in data set {LINES}, and data.path is {self.path}")
        if built_in:
            for key, default in (("labels", LABELS), ("split", None), ("window", None)):
                if getattr(self, key) != default:
                    raise ValueError(f"`data.{key}` does not apply to {LINES}, which is made as data.lines says")
            if self.cache is False:
                raise ValueError(f"`data.cache` can't be off for {LINES}, which are rendered once and kept")
        if self.split is not None and self.split.stratify:
            raise ValueError("`data.split.stratify` does not apply to text: lines have no classes to be dealt out by")
        return self
