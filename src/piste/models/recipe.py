"""The `model:` section of a recipe."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SegmentationModelRecipe(BaseModel):
    """Which architecture is trained, and how its scores are read.

    `name` and `encoder` follow segmentation-models-pytorch (`unet`, `deeplabv3+`, …; `resnet18`, `mit_b0`, or
    `tu-` and any feature extractor of timm). `depth` is the number of times the encoder halves the image,
    `width` the number of channels in the decoder. `weights` is null for random weights, or the name of a
    pretrained set such as `imagenet`. `activation` says whether classes exclude each other (`softmax`, one
    channel a class) or stand alone (`sigmoid`, one channel a class other than the background). `auxiliary` asks
    for deep supervision: a factor > 0 for each of the decoder's coarser stages, the finest first, which then score
    every pixel, too, and pay the whole `loss` times their factor in training. `options` holds whatever else the
    chosen architecture takes.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = "unet"
    encoder: str = "resnet18"
    depth: Annotated[int, Field(ge=2, le=5)] | None = None
    width: PositiveInt | list[PositiveInt] | None = None
    weights: str | None = None
    activation: Literal["softmax", "sigmoid"] = "softmax"
    auxiliary: list[Factor] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)
