"""The `data:` section of generation."""

from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from piste.data.limit import LimitRecipe, read_limit
from piste.data.section import ImagesSection, Statistics

BLACK_TO_WHITE = Statistics(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
Count = Annotated[int, Field(ge=8)]
Positive = Annotated[float, Field(gt=0)]


@final
class GaussiansRecipe(BaseModel):
    """Points in the plane of normal distributions whose centres, `modes` of them, lie evenly on a circle.

    `radius` is the circle's and `deviation` that of each distribution, alike in both directions. `train` and `val` are
    how many points each split has, dealt evenly, and `seed` decides which.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    modes: Annotated[int, Field(ge=1, le=64)] = 8
    radius: Positive = 2.0
    deviation: Positive = 0.05
    train: Count = 16_384
    val: Count = 2048
    seed: Annotated[int, Field(ge=0)] = 0


@final
class GenerationDataRecipe(ImagesSection):
    """What is imitated, how it is split, and how images are shown.

    `path` is the name of a built-in data set (`gaussians`, whose settings are under `gaussians`; `fashion`, `digits`),
    a folder of images, however deep they lie in it, or labelled images as classification reads them (folders by class,
    CSV, IDX). Labels are no more than a help in judging samples.

    `grey` makes images of one channel; null does so where the files know no colour (`fashion`, `digits`, IDX).
    `limit` is how many images of each split are used. Images are shown from -1, black, to 1, white, the range of what
    the networks make, so `normalize` is not free. The other keys are those of `ImagesSection`; none but `path` goes
    with gaussians.
    """

    built_in: ClassVar[frozenset[str]] = frozenset({"gaussians", "fashion", "digits"})

    gaussians: GaussiansRecipe | None = None
    grey: bool | None = None
    limit: Annotated[LimitRecipe | None, BeforeValidator(read_limit)] = None
    normalize: Literal["data"] | Statistics = BLACK_TO_WHITE

    @model_validator(mode="after")
    def _white_is_one(self) -> Self:
        if self.normalize != BLACK_TO_WHITE:
            raise ValueError(
                "normalize is mean 0.5 and std 0.5 in generation, which shows images from -1 to 1 as its networks make "
                "them; take the key away"
            )
        return self

    @model_validator(mode="after")
    def _keys_suit_the_data(self) -> Self:
        if self.path != "gaussians":
            if self.gaussians is not None:
                raise ValueError(f"gaussians goes with path: gaussians; got path: {self.path}")
            return self
        for key, field in type(self).model_fields.items():
            default = field.get_default(call_default_factory=True)
            if key not in ("path", "gaussians") and getattr(self, key) != default:
                raise ValueError(f"{key} is for images, and gaussians are points; take it away")
        return self
