"""Segmentation architectures of segmentation-models-pytorch, by name."""

import inspect
from collections.abc import Mapping
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from torch import nn

from piste.models.auxiliary import DeeplySupervised
from piste.models.hushed import hushed
from piste.models.recipe import SegmentationModelRecipe
from piste.names import nearest

OURS = {
    "unet++": "unetplusplus",
    "deeplabv3+": "deeplabv3plus",
}  # the field's spelling of what smp can't spell
WIDTH = {  # the keyword that is each decoder's width; linknet's follows from its encoder
    "unet": "decoder_channels",
    "unetplusplus": "decoder_channels",
    "manet": "decoder_channels",
    "fpn": "decoder_pyramid_channels",
    "pspnet": "psp_out_channels",
    "deeplabv3": "decoder_channels",
    "deeplabv3plus": "decoder_channels",
    "pan": "decoder_channels",
    "upernet": "decoder_channels",
    "segformer": "decoder_segmentation_channels",
    "dpt": "decoder_fusion_channels",
}
PER_STAGE = {"unet", "unetplusplus", "manet"}  # decoders with a width for each stage
REACH = {"fpn": 3, "pspnet": 0}  # halvings that the decoder undoes; the head has to undo the rest, at any depth
FROM_RECIPE = {
    "self",
    "encoder_name",
    "encoder_depth",
    "encoder_weights",
    "in_channels",
    "classes",
    "activation",
}


def architectures() -> Mapping[str, type[nn.Module]]:
    """Every segmentation architecture, by the name a recipe gives it."""
    spelled = {smp_name: ours for ours, smp_name in OURS.items()}
    return {spelled.get(name, name): cls for name, cls in smp.MODEL_ARCHITECTURES_MAPPING.items()}


def build_segmentation_model(recipe: SegmentationModelRecipe, channels: int) -> nn.Module:
    """A segmentation network that maps [N, 3, H, W] images to [N, channels, H, W] logits.

    Random weights come from torch's random state at the call; `recipe.weights` are loaded through the library.
    With `recipe.auxiliary` it is a `DeeplySupervised` one, whose weights are otherwise the same.

    Args:
        recipe: the `model:` section of a recipe.
        channels: scores a pixel.

    Raises:
        ValueError: a name, a setting or a pretrained set that does not exist, or can't be loaded here.
    """
    keywords = check_model(recipe)
    architecture = architectures()[recipe.name]
    try:
        with hushed():
            model: nn.Module = architecture(
                encoder_name=recipe.encoder,
                encoder_weights=recipe.weights,
                in_channels=3,
                classes=channels,
                **keywords,
            )
    except Exception as error:
        reason = str(error).strip("'\"").partition("\n")[0] or type(error).__name__
        if isinstance(error, OSError):  # what the library advises after its first sentence is not for this case
            reason = reason.partition(". ")[0]
        if recipe.weights is not None:
            raise ValueError(
                f"`model.weights`: {recipe.weights} for {recipe.encoder} could not be loaded ({reason}); it is"
                " downloaded on first use, so go online once, name a set that this encoder has, or use null"
            ) from error
        raise ValueError(
            f"`model`: {recipe.name} with {recipe.encoder} and {keywords or 'its defaults'} can't be built: {reason}"
        ) from error
    return DeeplySupervised(model, recipe.name, len(recipe.auxiliary), channels) if recipe.auxiliary else model


def check_model(recipe: SegmentationModelRecipe) -> dict[str, Any]:
    """The keywords that `recipe` stands for, after checking every name; nothing is built or downloaded.

    Raises:
        ValueError: a name or a setting that does not exist.
    """
    known = architectures()
    if recipe.name not in known:
        raise ValueError(f"`model.name` is {recipe.name!r}; {nearest(recipe.name, known)}")
    _check_encoder(recipe.encoder)
    smp_name = OURS.get(recipe.name, recipe.name)
    keywords: dict[str, Any] = {} if recipe.depth is None else {"encoder_depth": recipe.depth}
    depth = recipe.depth or 5
    if recipe.width is not None:
        if smp_name not in WIDTH:
            raise ValueError(
                f"`model.width` does not apply to {recipe.name}, whose decoder is as wide as its encoder; these take"
                f" it: {', '.join(name for name in known if OURS.get(name, name) in WIDTH)}"
            )
        keywords[WIDTH[smp_name]] = _width(recipe.name, recipe.width, depth if smp_name in PER_STAGE else None)
    elif smp_name in PER_STAGE and depth != 5:
        keywords[WIDTH[smp_name]] = _width(recipe.name, 256, depth)
    if recipe.depth is not None and smp_name in REACH:
        keywords["upsampling"] = 2 ** max(depth - REACH[smp_name], 0)
    allowed = set(inspect.signature(known[recipe.name].__init__).parameters) - FROM_RECIPE - {"kwargs", "aux_params"}
    for option in recipe.options:
        if option not in allowed:
            raise ValueError(f"`model.options.{option}` is not a setting of {recipe.name}; {nearest(option, allowed)}")
    return keywords | recipe.options


def _width(name: str, width: int | list[int], stages: int | None) -> int | list[int]:
    """The decoder's width as its architecture wants it: halved stage by stage, or one number."""
    if stages is None:
        if isinstance(width, list):
            raise ValueError(f"`model.width` is one number for {name}; got {width}")
        return width
    if isinstance(width, int):
        return [max(1, width >> stage) for stage in range(stages)]
    if len(width) != stages:
        raise ValueError(f"`model.width` needs one number for each of the {stages} stages of {name}; got {width}")
    return width


def _check_encoder(name: str) -> None:
    names = smp.encoders.get_encoder_names()
    if name.startswith("tu-"):
        names = [f"tu-{model}" for model in timm.list_models()]
        if timm.is_model(name.removeprefix("tu-")):
            return
    elif name in names:
        return
    raise ValueError(
        f"`model.encoder` is {name!r}; {nearest(name, names, most=4)}, or tu- and the name of a timm model"
    )


def input_multiple(recipe: SegmentationModelRecipe) -> int:
    """What heights and widths of images must be divisible by; also shows that the architecture can be built."""
    with torch.device("meta"):
        model: Any = build_segmentation_model(recipe.model_copy(update={"weights": None}), channels=1)
    model = model.network if isinstance(model, DeeplySupervised) else model
    return int(model.encoder.output_stride) if model.requires_divisible_input_shape else 1
