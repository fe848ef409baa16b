"""The `model:` and `discriminator:` sections of restoration."""

from typing import Annotated, Any, ClassVar, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from piste.models.discriminator import DiscriminatorSection


@final
class RestorationModelRecipe(BaseModel):
    """Which network restores images. It changes what bicubic upscaling makes of the input, and begins with no change.

    `edsr` is a chain of `blocks` residual blocks at the input's size, 1 … 64 (8), after Lim et al. 2017; `unet` halves
    the image `depth` times, 1 … 6 (3), sees farther for the same time, and doubles its channels with each halving, up
    to eight times. `width` is the number of channels, 4 … 512, at the input's size. Neither normalises over a batch, so
    that an image is restored alike in any company. Whatever the scale of the data, the last layers bring it there by
    pixel shuffling.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["edsr", "unet"] = "edsr"
    width: Annotated[int, Field(ge=4, le=512)] = 32
    blocks: Annotated[int, Field(ge=1, le=64)] | None = None
    depth: Annotated[int, Field(ge=1, le=6)] | None = None

    OWN: ClassVar[dict[str, dict[str, int]]] = {"edsr": {"blocks": 8}, "unet": {"depth": 3}}

    @model_validator(mode="before")
    @classmethod
    def _own_keys(cls, section: Any) -> Any:
        if not isinstance(section, dict):
            return section
        own = cls.OWN.get(section.get("name", "edsr"), {})
        for name, keys in cls.OWN.items():
            for key in keys:
                if own and key not in own and section.get(key) is not None:
                    raise ValueError(
                        f"`model.{key}` is a key of {name}; {section.get('name', 'edsr')} has {', '.join(own)}"
                    )
        return section | {key: section[key] if section.get(key) is not None else own[key] for key in own}


@final
class RestorationDiscriminatorRecipe(DiscriminatorSection):
    """The discriminator that adversarial losses need: it scores overlapping patches, after Isola et al. 2017.

    `layers` of stride 2, 1 … 5, decide how large a patch is: 16, 34, 70 or more pixels. `width` is the number of
    channels of the first one, doubled by each, up to eight times. `norm` is `spectral` (of the weights), `instance` (of
    each image's features) or `none`. The other keys are those of `DiscriminatorSection`.
    """

    layers: Annotated[int, Field(ge=1, le=5)] = 2
    width: Annotated[int, Field(ge=4, le=512)] = 32
    norm: Literal["spectral", "instance", "none"] = "spectral"

    @model_validator(mode="after")
    def _clip_matters(self) -> Self:
        if self.norm == "spectral" and self.weight_clip is not None:
            raise ValueError(
                "weight_clip has no effect on weights whose scale norm: spectral takes away; leave one out"
            )
        return self
