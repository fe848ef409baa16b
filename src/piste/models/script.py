"""Networks as the calls that build them."""

import math
from typing import Any

from piste.data.script.source import source_of
from piste.models.backbones.build import SMALL_CNN
from piste.models.backbones.recipe import BackboneRecipe
from piste.models.backbones.small_cnn import SmallCNN, _convolution
from piste.models.recipe import SegmentationModelRecipe
from piste.models.segmentation import architectures, check_model


def segmentation_model_as_code(recipe: SegmentationModelRecipe, channels: int) -> list[str]:
    """`build_model()`: the call of segmentation-models-pytorch.

    Raises:
        ValueError: names what can't be written.
    """
    if recipe.auxiliary:
        raise ValueError("`model.auxiliary`: a script can't train auxiliary outputs; leave the key out")
    called = architectures()[recipe.name].__name__
    keywords: dict[str, Any] = {"encoder_name": recipe.encoder, "encoder_weights": recipe.weights}
    keywords |= check_model(recipe) | {"in_channels": 3, "classes": channels}
    return [_builder(f"smp.{called}", keywords)]


def backbone_as_code(recipe: BackboneRecipe, outputs: int, prior: float | None = None) -> list[str]:
    """`build_model()`: the call of timm, or a small network with its code."""
    if recipe.name == SMALL_CNN:
        width, depth = recipe.width or 32, recipe.depth or 3
        keywords: dict[str, Any] = {"channels": recipe.channels, "width": width, "depth": depth}
        keywords |= {"dropout": recipe.dropout} if recipe.dropout else {}
        code, called, head = _small_cnn(), f"SmallCNN({outputs}, ", "model.classifier"
    else:
        name = f"{recipe.name}.{recipe.weights}" if isinstance(recipe.weights, str) else recipe.name
        keywords = {"pretrained": recipe.weights is not None, "num_classes": outputs, "in_chans": recipe.channels}
        keywords |= {"drop_rate": recipe.dropout} if recipe.dropout else {}
        keywords |= recipe.options
        code, called, head = [], f'timm.create_model("{name}", ', "model.get_classifier()"
    given = ", ".join(f"{key}={_literal(value)}" for key, value in keywords.items())
    if prior is None:
        return [*code, f'def build_model() -> nn.Module:\n    """The network."""\n    return {called}{given})']
    lines = [
        "def build_model() -> nn.Module:",
        f'    """The network, which gives every class a probability of {prior:g} at first."""',
        f"    model = {called}{given})",
        f"    nn.init.constant_({head}.bias, {math.log(prior / (1 - prior))!r})",
        "    return model",
    ]
    return [*code, "\n".join(lines)]


def _builder(called: str, keywords: dict[str, Any]) -> str:
    lines = "".join(f"        {key}={_literal(value)},\n" for key, value in keywords.items())
    return f'def build_model() -> nn.Module:\n    """The network."""\n    return {called}(\n{lines}    )'


def _literal(value: object) -> str:
    return '"' + value + '"' if isinstance(value, str) else repr(value)


def _small_cnn() -> list[str]:
    """The code of the network and of what it is made of."""
    return [
        source_of(_convolution, told="A convolution, normalised, and a ReLU."),
        source_of(SmallCNN, without=["get_classifier"]),
    ]
