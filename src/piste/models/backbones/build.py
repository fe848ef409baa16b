"""Backbones by name: checked, built, and held against the images they will see."""

import math
from collections.abc import Iterable
from typing import Any

import timm
import torch
from torch import nn

from piste.models.backbones.recipe import BackboneRecipe
from piste.models.backbones.small_cnn import SmallCNN
from piste.models.hushed import hushed
from piste.names import nearest

SMALL_CNN = "small_cnn"
FROM_RECIPE = ("num_classes", "in_chans", "drop_rate", "pretrained")


def check_backbone(recipe: BackboneRecipe) -> None:
    """Check every name and which settings apply; nothing is built or downloaded.

    Raises:
        ValueError: a name that does not exist, or a setting that does not apply.
    """
    if recipe.name == SMALL_CNN:
        for key, value in (("weights", recipe.weights), ("options", recipe.options)):
            if value:
                raise ValueError(f"`model.{key}` does not apply to small_cnn, which is no network of timm's")
        return
    plain, _, tag = recipe.name.partition(".")
    if not timm.is_model(plain):
        names = [SMALL_CNN, *timm.list_models()]
        raise ValueError(f"`model.name` is {recipe.name!r}; {nearest(plain, names, most=4)}: see timm.list_models()")
    if tag:
        raise ValueError(f"`model.name` is {recipe.name!r}: pretrained sets stand in model.weights={tag}")
    for key, size in (("width", recipe.width), ("depth", recipe.depth)):
        if size is not None:
            raise ValueError(f"`model.{key}` is for small_cnn; {plain} is as timm defines it")
    for key in FROM_RECIPE:
        if key in recipe.options:
            raise ValueError(f"`model.options.{key}` follows from the task or from another key of the model section")
    if recipe.weights is not None:
        _check_weights(plain, recipe.weights)


def build_backbone(recipe: BackboneRecipe, outputs: int) -> nn.Module:
    """A network that maps [N, channels, H, W] images to [N, outputs] numbers.

    Random weights come from torch's random state at the call; pretrained ones are loaded by timm.

    Args:
        recipe: the `model:` section of a recipe.
        outputs: numbers an image.

    Raises:
        ValueError: a name, a setting or a pretrained set that does not exist, or can't be loaded here.
    """
    check_backbone(recipe)
    if recipe.name == SMALL_CNN:
        width, depth = recipe.width or 32, recipe.depth or 3
        return SmallCNN(outputs, channels=recipe.channels, width=width, depth=depth, dropout=recipe.dropout)
    name = f"{recipe.name}.{recipe.weights}" if isinstance(recipe.weights, str) else recipe.name
    given: dict[str, Any] = {"drop_rate": recipe.dropout} if recipe.dropout else {}
    try:
        with hushed():
            model: nn.Module = timm.create_model(
                name,
                pretrained=recipe.weights is not None,
                num_classes=outputs,
                in_chans=recipe.channels,
                **given,
                **recipe.options,
            )
    except Exception as error:
        reason = str(error).strip("'\"").partition("\n")[0] or type(error).__name__
        if recipe.weights is not None:
            reason = reason.partition(". ")[0]  # what the library advises after its first sentence is not for this case
            raise ValueError(
                f"`model.weights`: {recipe.weights} for {recipe.name} could not be loaded ({reason}); it is"
                " downloaded on first use, so go online once, or use null"
            ) from error
        settings = given | recipe.options or "its defaults"
        raise ValueError(f"`model`: {recipe.name} with {settings} can't be built: {reason}") from error
    return model


def check_input(recipe: BackboneRecipe, sizes: Iterable[tuple[int, int]]) -> None:
    """Refuse images of a size that the network can't take.

    Args:
        recipe: the `model:` section of a recipe.
        sizes: height and width of the images it will see.

    Raises:
        ValueError: names the size that came, what the network takes and how to get there.
    """
    if recipe.name == SMALL_CNN:
        least = 1 << (recipe.depth or 3) - 1
        for height, width in sizes:
            if min(height, width) < least:
                raise ValueError(
                    f"`model.depth`: {recipe.depth or 3} stages of small_cnn need images of {least} pixels a side or"
                    f" more; these are {width}x{height} (width x height)"
                )
        return
    with torch.device("meta"):
        model = build_backbone(recipe.model_copy(update={"weights": None}), outputs=2).eval()
    for height, width in sizes:
        try:
            with torch.no_grad():
                model(torch.zeros(2, recipe.channels, height, width, device="meta"))
        except NotImplementedError:  # an operation that knows no tensors without memory
            return
        except Exception as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(
                f"`model.name`: {recipe.name} can't take images of {width}x{height} (width x height): {reason}."
                f" {_cure(recipe)}"
            ) from error


def set_prior(model: nn.Module, prior: float) -> None:
    """Make a network give every class a probability at first, by the bias of its last layer.

    Args:
        model: with sigmoid behind its last layer.
        prior: the probability, in (0, 1); bias = log(prior / (1 - prior)).

    Raises:
        ValueError: the last layer has no bias.
    """
    head: Any = model.get_classifier()  # type: ignore[operator]
    bias = getattr(head, "bias", None)
    if not isinstance(bias, nn.Parameter):
        raise ValueError(f"`model.prior` is set by the last layer's bias, and this network ends with {head}")
    nn.init.constant_(bias, math.log(prior / (1 - prior)))


def _cure(recipe: BackboneRecipe) -> str:
    """What to do about images of the wrong size."""
    known = timm.get_pretrained_cfg(recipe.name)
    side = known.input_size[-1] if known is not None else 224
    resize = f"add {{resize: {{height: {side}, width: {side}}}}} to data.prepare"
    return f"{resize}, or say model.options.img_size" if known is not None and known.fixed_input_size else resize


def _check_weights(name: str, weights: str | bool) -> None:
    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    if not tags:
        raise ValueError(f"`model.weights`: timm has no pretrained weights for {name}; use null")
    if isinstance(weights, str) and weights not in tags:
        raise ValueError(f"`model.weights` is {weights!r}; {nearest(weights, tags)}, or true")
