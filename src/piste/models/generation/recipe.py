"""The `model:` and `discriminator:` sections of generation."""

from typing import Annotated, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from piste.models.discriminator import DiscriminatorSection

Name = Literal["dcgan", "mlp"]
Norm = Literal["batch", "instance", "spectral", "none"]
Width = Annotated[int, Field(ge=4, le=2048)]
Layers = Annotated[int, Field(ge=1, le=8)]


@final
class GenerationModelRecipe(BaseModel):
    """Which network makes images or points of noise.

    `dcgan` (Radford et al. 2016) doubles a small picture by transposed convolutions until it has the images' size;
    `width` is its number of channels before the last doubling, doubled by each one before it, up to eight times; 64 is
    the paper's. `mlp` has `layers` hidden layers of `width` units, 1 … 8 (null: 2), and makes points, or small images.
    `latent` is how many normal numbers a sample is made of; the more, the more samples can differ.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name = "dcgan"
    latent: Annotated[int, Field(ge=1, le=4096)] = 64
    width: Width = 64
    layers: Layers | None = None

    @model_validator(mode="after")
    def _layers_belong_to_mlp(self) -> Self:
        self.layers = _layers("model", self.name, self.layers)
        return self


@final
class GenerationDiscriminatorRecipe(DiscriminatorSection):
    """Which network tells what the model makes from what is real, and how it is trained.

    `name` is `dcgan` or `mlp`, the model's where it is null. `dcgan` halves the images by convolutions; `width` is its
    number of channels after the first, doubled by each, up to eight times. `mlp` has `layers` hidden layers of `width`
    units, 1 … 8 (null: 2). `norm` is that of its layers: `batch` as in DCGAN's paper, which no gradient penalty can
    have, `instance` (each image by itself), `spectral` (of the weights, Miyato et al. 2018, made for hinge losses), or
    `none`; null takes batch for dcgan and none for mlp. The other keys are those of `DiscriminatorSection`.
    """

    name: Name | None = None
    width: Width = 64
    layers: Layers | None = None
    norm: Norm | None = None

    def completed(self, model: Name) -> Self:
        """The same section with what it leaves open decided, beside a model.

        Raises:
            ValueError: a key that this network does not have.
        """
        name = self.name or model
        norm = self.norm or ("batch" if name == "dcgan" else "none")
        if norm == "instance" and name == "mlp":
            raise ValueError(
                "`discriminator.norm`: instance is over the pixels of a channel, which mlp has none of; it has batch, "
                "spectral and none"
            )
        if norm == "spectral" and self.weight_clip is not None:
            raise ValueError(
                "`discriminator.weight_clip` cuts what norm: spectral divides by its own size again, without effect; "
                "choose one of the two"
            )
        layers = _layers("discriminator", name, self.layers)
        return self.model_copy(update={"name": name, "norm": norm, "layers": layers})


def _layers(section: str, name: Name, layers: int | None) -> int | None:
    """How many hidden layers an mlp has."""
    if name == "dcgan" and layers is not None:
        raise ValueError(f"`{section}.layers` is a key of mlp; dcgan has as many as the images' size asks for")
    return 2 if name == "mlp" and layers is None else layers
