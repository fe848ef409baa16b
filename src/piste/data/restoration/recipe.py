"""The `data:` section of restoration."""

from typing import Annotated, ClassVar, Self, final

from pydantic import Field, field_validator, model_validator

from piste.data.augment import Entry as Augmentation
from piste.data.augment import name_of
from piste.data.folder import BUILT_IN
from piste.data.restoration.degrade import Entry as Degradation
from piste.data.restoration.degrade import scale_of
from piste.data.section import DataSection, Window

BOTH = ("horizontal_flip", "vertical_flip", "rotate90", "crop")
"""Augmentations that do to both images of a pair exactly the same."""

CLEAN = ("colour_jitter", "grey", "equalize")
"""Augmentations that change clean images before they are degraded."""


@final
class RestorationDataRecipe(DataSection):
    """Which pairs of images a run learns from: the input, and the target that the network is to make of it.

    `path` is a folder. Without `degrade` it holds `input/` and `target/` with equal stems, of equal size or each
    target `scale` times as large as its input. With `degrade` it holds clean images, in `images/` or itself, or it is
    the name of a built-in data set (`lakes`); the inputs are made of them by what `degrade` lists, one after the other:
    `{downscale: {factor: 2, kernel: bicubic}}` (or area), `{blur: {sigma: 1.2}}` in pixels, `{noise: {sigma: 0.05}}`
    where white is 1, `{jpeg: {quality: 40}}`. A number may be a range, `{noise: {sigma: [0, 0.1]}}`: it is drawn anew
    for each training image in each epoch, and once for each image that is evaluated. Inputs are clipped and rounded to
    8 bits, as files are; what a clean image has beyond a multiple of the scale, at the right and at the bottom, is cut
    off.

    `augment` is done to both images of a pair alike, anew in each epoch: horizontal_flip, vertical_flip, rotate90,
    crop (`height` and `width` of the target, in pixels); clean images may also get colour_jitter, grey and equalize.

    `scale` is found in the data, 1 … 8; where it is given the data must agree. `window` is the values shown as black
    and as white of images with more than 8 bits, such as `[0, 4095]`.
    """

    built_in: ClassVar[frozenset[str]] = frozenset(BUILT_IN)

    degrade: list[Degradation] = Field(default_factory=list)
    scale: Annotated[int, Field(ge=1, le=8)] | None = None
    augment: list[Augmentation] = Field(default_factory=list)
    window: Window = None

    @field_validator("degrade")
    @classmethod
    def _not_too_small(cls, steps: list[Degradation]) -> list[Degradation]:
        if scale_of(steps) > 8:
            raise ValueError(f"may scale images down by 8 in all; got {scale_of(steps)}")
        return steps

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        made = scale_of(self.degrade)
        if self.degrade and self.scale not in (None, made):
            raise ValueError(f"scale is what degrade makes it, {made}; got {self.scale}; leave it out")
        if self.split is not None and self.split.stratify:
            raise ValueError("split.stratify sorts images by their classes, and restoration knows none; leave it out")
        allowed = (*BOTH, *CLEAN) if self.degrade else BOTH
        for step in self.augment:
            name = name_of(type(step))
            if name in allowed:
                continue
            if name in ("blur", "gaussian_noise") and self.degrade:
                raise ValueError(f"augment: {name} would change the target, too; inputs get it by data.degrade")
            why = "inputs are made of clean images" if self.degrade else "input and target are both read from files"
            raise ValueError(f"augment: {name} does not do the same to both; where {why}, {', '.join(allowed)} do")
        return self
