"""Feature maps for detectors: a backbone cut into stages, and what is built on top of them."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, final

import timm
import torch
import torchvision
from timm.layers import freeze_batch_norm_2d
from torch import Tensor, nn
from torchvision.models import get_model, get_model_builder, list_models, resnet
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock, LastLevelMaxPool, LastLevelP6P7

from piste.models.detection.recipe import DetectionModelRecipe
from piste.names import nearest

STAGES = {4: "layer1", 8: "layer2", 16: "layer3", 32: "layer4"}
"""The stage of a resnet that gives each stride."""

GROUPS = 8


def resnets() -> list[str]:
    """The resnets of torchvision, by name."""
    return [name for name in list_models(torchvision.models) if get_model_builder(name).__module__ == resnet.__name__]


def check_backbone(name: str) -> None:
    """Refuse a backbone that does not exist.

    Raises:
        ValueError: names what is near.
    """
    known = resnets()
    if name.startswith("tu-"):
        if timm.is_model(name.removeprefix("tu-")):
            return
        known = [f"tu-{model}" for model in timm.list_models()]
    elif name in known:
        return
    raise ValueError(
        f"`model.backbone` is {name!r}; {nearest(name, known, most=4)}, or tu- and the name of a timm model"
    )


@final
class Stages(nn.Module):
    """A timm backbone that names its feature maps by stride.

    Args:
        model: made with features_only.
        strides: the stride of each feature map.
    """

    def __init__(self, model: nn.Module, strides: tuple[int, ...]) -> None:
        super().__init__()
        self.model = model
        self.strides = strides

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Feature maps by stride."""
        return OrderedDict((str(stride), y) for stride, y in zip(self.strides, self.model(x), strict=True))


def build_stages(recipe: DetectionModelRecipe, strides: tuple[int, ...]) -> tuple[nn.Module, list[int]]:
    """A backbone that returns one feature map a stride, and how many channels each has.

    Raises:
        ValueError: a backbone that does not exist or does not have these strides.
    """
    check_backbone(recipe.backbone)
    if recipe.backbone.startswith("tu-"):
        return _timm(recipe, strides)
    if max(strides) > 32 or min(strides) < 4:
        raise ValueError(f"`model.strides`: {recipe.backbone} has 4, 8, 16 and 32; got {list(strides)}")
    weights = "DEFAULT" if recipe.weights_backbone == "imagenet" else recipe.weights_backbone
    body: Any = get_model(recipe.backbone, weights=weights, norm_layer=_norm_layer(recipe.norm))
    channels = [16 * stride * type(body.layer1[0]).expansion for stride in strides]
    return IntermediateLayerGetter(body, {STAGES[stride]: str(stride) for stride in strides}), channels


def _norm_layer(norm: str) -> Callable[..., nn.Module]:
    layers = {"batch": nn.BatchNorm2d, "frozen": FrozenBatchNorm2d, "group": partial(nn.GroupNorm, GROUPS)}
    layer: Callable[..., nn.Module] = layers[norm]
    return layer


def _timm(recipe: DetectionModelRecipe, strides: tuple[int, ...]) -> tuple[nn.Module, list[int]]:
    name = recipe.backbone.removeprefix("tu-")
    if recipe.norm == "group":
        raise ValueError(f"`model.norm` is group for torchvision's resnets; {recipe.backbone} takes batch or frozen")
    try:
        with torch.device("meta"):
            reductions = timm.create_model(name, features_only=True).feature_info.reduction()
    except (RuntimeError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(
            f"`model.backbone`: {recipe.backbone} gives no feature maps; choose a convolutional one"
        ) from error
    if missing := [stride for stride in strides if stride not in reductions]:
        raise ValueError(f"`model.strides`: {recipe.backbone} has {reductions}, and not {missing}")
    indices = tuple(max(i for i, reduction in enumerate(reductions) if reduction == stride) for stride in strides)
    weights: dict[str, Any] = {"pretrained": recipe.weights_backbone is not None}
    if recipe.weights_backbone not in (None, "imagenet"):
        weights["pretrained_cfg"] = recipe.weights_backbone
    model: Any = timm.create_model(name, features_only=True, out_indices=indices, **weights)
    channels = model.feature_info.channels()
    if recipe.norm == "frozen":
        model = freeze_batch_norm_2d(model)
    return Stages(model, strides), channels


@final
class Pyramid(nn.Module):
    """A backbone and a feature pyramid on top of it: maps of one width, from fine to coarse.

    Args:
        body: returns feature maps by name.
        channels: of each of them.
        width: channels of every map of the pyramid.
        beyond: coarser maps after the body's last: none, one by subsampling, two by strided convolutions.
    """

    def __init__(self, body: nn.Module, channels: list[int], width: int, beyond: int) -> None:
        super().__init__()
        extra: ExtraFPNBlock | None = None
        if beyond:
            extra = LastLevelMaxPool() if beyond == 1 else LastLevelP6P7(width, width)
        self.body = body
        self.fpn = FeaturePyramidNetwork(channels, width, extra)
        self.out_channels = width

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Feature maps by name, from fine to coarse."""
        maps: dict[str, Tensor] = self.fpn(self.body(x))
        return maps


@final
class Ladder(nn.Module):
    """A backbone and strided convolutions after it: maps as they come, each coarser than the one before, as in SSD.

    Args:
        body: returns feature maps by name.
        channels: of each of them.
        beyond: maps after the body's last.
        width: channels of these.
        norm: their normalisation.
    """

    def __init__(self, body: nn.Module, channels: list[int], beyond: int, width: int, norm: str) -> None:
        super().__init__()
        self.body = body
        self.extra = nn.ModuleList()
        self.out_channels = [*channels, *[width] * beyond]
        layer = _norm_layer("batch" if norm == "frozen" else norm)
        for i in range(beyond):
            inner = width // 2
            self.extra.append(
                nn.Sequential(
                    *(
                        nn.Conv2d(self.out_channels[len(channels) + i - 1], inner, 1, bias=False),
                        layer(inner),
                        nn.ReLU(),
                    ),
                    *(nn.Conv2d(inner, width, 3, 2, 1, bias=False), layer(width), nn.ReLU()),
                )
            )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Feature maps by name, from fine to coarse."""
        maps: dict[str, Tensor] = OrderedDict(self.body(x))
        y = list(maps.values())[-1]
        for i, block in enumerate(self.extra):
            maps[f"extra{i}"] = y = block(y)
        return maps


def build_backbone(recipe: DetectionModelRecipe) -> nn.Module:
    """The feature maps that an architecture looks at, one a stride of the recipe.

    Raises:
        ValueError: a backbone or strides that cannot be.
    """
    strides = recipe.strides
    own = tuple(stride for stride in strides if stride <= 32)
    beyond = len(strides) - len(own)
    body, channels = build_stages(recipe, own)
    if recipe.name == "ssd":
        return Ladder(body, channels, beyond, 256, recipe.norm)
    return Pyramid(body, channels, recipe.width, beyond)
