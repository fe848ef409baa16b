"""What the `model:` sections of tasks share that ask for some numbers of an image."""

from typing import Annotated, Any, Literal, final

from pydantic import BaseModel, ConfigDict, Field, field_validator

Width = Annotated[int, Field(ge=1, le=4096)]
Depth = Annotated[int, Field(ge=1, le=8)]


class BackboneRecipe(BaseModel):
    """Which network looks at the image.

    `name` is `small_cnn` or one of timm's (`resnet18`, `efficientnet_b0`, `fbnetv3_b`, `mobilenetv3_small_050`,
    `vit_tiny_patch16_224`, …). `small_cnn` has `depth` stages (3) of two convolutions, each with half the resolution
    of the one before and twice its channels, the first with `width` (32) channels; an image must have 2^(depth - 1)
    pixels a side. `channels` is 3, or 1 for grey images. `dropout` is the share of features left out before the last
    layer while training. `weights` is null for random weights, true for timm's own choice of pretrained ones, or the
    tag of a set, such as `a1_in1k`. `options` holds whatever else timm's network takes, such as `img_size: 64` for a
    vision transformer.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = "resnet18"
    channels: Literal[1, 3] = 3
    width: Width | None = None
    depth: Depth | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weights: str | bool | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("weights")
    @classmethod
    def _none_is_null(cls, weights: str | bool | None) -> str | bool | None:
        return weights or None


@final
class ClassificationModelRecipe(BackboneRecipe):
    """Which network is trained, and how its scores are read.

    `activation` says whether classes exclude each other (`softmax`) or are told each on its own (`sigmoid`), as they
    must be where an image may have several labels. `prior` goes with sigmoid: the probability that a fresh model gives
    every class, so that the many absent ones cost little at first (0.01 in the paper on focal loss, arXiv:1708.02002);
    null leaves it near 0.5. The other keys are those of `BackboneRecipe`.
    """

    activation: Literal["softmax", "sigmoid"] = "softmax"
    prior: Annotated[float, Field(gt=0, lt=1)] | None = None


@final
class RegressionModelRecipe(BackboneRecipe):
    """Which network is trained, and how many answers it gives.

    `quantiles`, such as `[0.05, 0.5, 0.95]`, asks for a number for each of these shares: one that so many of the true
    values should lie below. `loss: quantile` then prices each at its own. null asks for one number a value. The other
    keys are those of `BackboneRecipe`.
    """

    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] | None = None

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, quantiles: list[float] | None) -> list[float] | None:
        if quantiles is not None and (len(quantiles) < 2 or sorted(set(quantiles)) != quantiles):
            raise ValueError(f"are two or more rising shares, such as [0.05, 0.5, 0.95]; got {quantiles}")
        return quantiles
