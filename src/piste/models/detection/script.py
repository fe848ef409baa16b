"""Detectors as code: torchvision's classes, on a backbone that is cut into stages."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from piste.data.script.text import block, indented, literal
from piste.models.detection.backbone import GROUPS, STAGES, build_stages
from piste.models.detection.recipe import DetectionModelRecipe
from piste.models.hushed import hushed

NAMES = {
    "retinanet": "RetinaNet",
    "fcos": "FCOS",
    "ssd": "SSD",
    "faster_rcnn": "FasterRCNN",
}
"""Torchvision's classes that a script can build."""


def detector_as_code(recipe: DetectionModelRecipe) -> list[str]:
    """`Backbone`, and `build_model()`, which returns torchvision's detector of `CLASSES`.

    Raises:
        ValueError: names what can't be written.
    """
    if recipe.name not in NAMES:
        raise ValueError(f"`model.name`: a script can't train {recipe.name}; it can train {', '.join(NAMES)}")
    if recipe.weights is not None:
        raise ValueError("`model.weights`: a script can't load a detector; it can load `weights_backbone`")
    return [_ladder(recipe) if recipe.name == "ssd" else _pyramid(recipe), _BUILDERS[recipe.name](recipe)]


def _body(recipe: DetectionModelRecipe, strides: list[int]) -> tuple[list[str], list[int], str]:
    """Lines that make the network below, the channels of its maps, and the expression that lists the maps."""
    bare = recipe.model_copy(update={"weights_backbone": None})
    with torch.random.fork_rng(devices=[]), torch.device("meta"), hushed():
        body, channels = build_stages(bare, tuple(strides))
    if recipe.backbone.startswith("tu-"):
        model: Any = body.model
        keywords: dict[str, Any] = {"pretrained": recipe.weights_backbone is not None}
        if recipe.weights_backbone not in (None, "imagenet"):
            keywords["pretrained_cfg"] = recipe.weights_backbone
        keywords |= {"features_only": True, "out_indices": tuple(model.feature_info.out_indices)}
        given = ", ".join(f"{key}={literal(value)}" for key, value in keywords.items())
        made = f'timm.create_model("{recipe.backbone.removeprefix("tu-")}", {given})'
        made = f"freeze_batch_norm_2d({made})" if recipe.norm == "frozen" else made
        return [f"self.body = {made}"], channels, "self.body(images)"
    weights = "DEFAULT" if recipe.weights_backbone == "imagenet" else recipe.weights_backbone
    norms = {"frozen": ", norm_layer=FrozenBatchNorm2d", "group": f", norm_layer=partial(nn.GroupNorm, {GROUPS})"}
    made = f"torchvision.models.{recipe.backbone}(weights={literal(weights)}{norms.get(recipe.norm, '')})"
    stages = {STAGES[stride]: str(stride) for stride in strides}
    lines = [f"self.body = IntermediateLayerGetter({made}, {literal(stages)})"]
    if len(lines[0]) > 112:
        lines = [f"body = {made}", f"self.body = IntermediateLayerGetter(body, {literal(stages)})"]
    return lines, channels, "self.body(images).values()"


def _pyramid(recipe: DetectionModelRecipe) -> str:
    strides = [stride for stride in recipe.strides if stride <= 32]
    lines, channels, maps = _body(recipe, strides)
    beyond = len(recipe.strides) - len(strides)
    extra = {0: "", 1: ", LastLevelMaxPool()", 2: f", LastLevelP6P7({recipe.width}, {recipe.width})"}[beyond]
    lines += [
        f"self.fpn = FeaturePyramidNetwork({channels}, {recipe.width}{extra})",
        f"self.out_channels = {recipe.width}",
    ]
    returned = f"return self.fpn(OrderedDict((str(i), each) for i, each in enumerate({maps})))"
    if "values" in maps:
        returned = "return self.fpn(self.body(images))"
    return _backbone(
        "A network and a feature pyramid on top of it: maps of one width, from fine to coarse.", lines, [returned]
    )


def _ladder(recipe: DetectionModelRecipe) -> str:
    strides = [stride for stride in recipe.strides if stride <= 32]
    lines, channels, maps = _body(recipe, strides)
    beyond, width = len(recipe.strides) - len(strides), 256
    inner = width // 2
    first, second = (
        f"nn.GroupNorm({GROUPS}, {each})" if recipe.norm == "group" else f"nn.BatchNorm2d({each})"
        for each in (inner, width)
    )
    lines.append(f"self.out_channels = {[*channels, *[width] * beyond]}")
    told = "A network: its maps, from fine to coarse."
    returned = [f"return OrderedDict((str(i), each) for i, each in enumerate({maps}))"]
    if beyond:
        told = "A network and strided convolutions after it: maps as they come, from fine to coarse."
        code = f"""
            self.extra = nn.ModuleList(
                nn.Sequential(
                    *(nn.Conv2d(channels, {inner}, 1, bias=False), {first}, nn.ReLU()),
                    *(nn.Conv2d({inner}, {width}, 3, 2, 1, bias=False), {second}, nn.ReLU()),
                )
                for channels in self.out_channels[{len(channels) - 1}:-1]
            )
        """
        lines += block(code).splitlines()
        returned = [
            f"maps = list({maps})",
            "for layers in self.extra:",
            "    maps.append(layers(maps[-1]))",
            "return OrderedDict((str(i), each) for i, each in enumerate(maps))",
        ]
    return _backbone(told, lines, returned)


def _backbone(told: str, init: list[str], forward: list[str]) -> str:
    head = ["class Backbone(nn.Module):", f'    """{told}"""', "", "    def __init__(self) -> None:"]
    head += ["        super().__init__()", indented(init, 2), ""]
    head += ["    def forward(self, images: Tensor) -> dict[str, Tensor]:", '        """The maps by name."""']
    return "\n".join([*head, indented(forward, 2)])


def _retinanet(recipe: DetectionModelRecipe) -> str:
    norm = ", partial(nn.GroupNorm, 32)" if recipe.head_norm == "group" else ""
    before = [
        "backbone = Backbone()",
        f"anchors = {_anchors(recipe)}",
        f"head = RetinaNetHead({recipe.width}, anchors.num_anchors_per_location()[0], len(CLASSES){norm})",
    ]
    arguments = ["backbone", "len(CLASSES)", "anchor_generator=anchors", "head=head"]
    return _builder(recipe, before, arguments, recipe.prior)


def _fcos(recipe: DetectionModelRecipe) -> str:
    sizes = tuple((stride,) for stride in recipe.strides)
    anchors = f"AnchorGenerator({sizes}, ((1.0,),) * {len(sizes)})"
    return _builder(recipe, [], ["Backbone()", "len(CLASSES)", f"anchor_generator={anchors}"], recipe.prior)


def _ssd(recipe: DetectionModelRecipe) -> str:
    assert recipe.anchor_sizes is not None
    assert recipe.anchor_ratios is not None
    ratios, side = f"[{list(recipe.anchor_ratios)}] * {len(recipe.strides)}", recipe.size or 300
    boxes = f"boxes = DefaultBoxGenerator({ratios}, scales={list(recipe.anchor_sizes)})"
    return _builder(recipe, [boxes], ["Backbone()", "boxes", f"({side}, {side})", "len(CLASSES) + 1"], None)


def _faster_rcnn(recipe: DetectionModelRecipe) -> str:
    names = [str(i) for i, stride in enumerate(recipe.strides) if stride <= 32]
    if not recipe.backbone.startswith("tu-"):
        names = [str(stride) for stride in recipe.strides if stride <= 32]
    pool = f"box_roi_pool=MultiScaleRoIAlign({literal(names)}, 7, 2)"
    arguments = ["Backbone()", "len(CLASSES) + 1", f"rpn_anchor_generator={_anchors(recipe)}", pool]
    return _builder(recipe, [], arguments, None)


_BUILDERS = {"retinanet": _retinanet, "fcos": _fcos, "ssd": _ssd, "faster_rcnn": _faster_rcnn}


def _builder(recipe: DetectionModelRecipe, before: list[str], arguments: list[str], prior: float | None) -> str:
    name = NAMES[recipe.name]
    keywords: Mapping[str, Any] = recipe.options
    given = [*arguments]
    if recipe.min_size is not None:
        given += [f"min_size={recipe.min_size}", f"max_size={recipe.max_size or 10 * recipe.min_size}"]
    given += ["image_mean=MEAN", "image_std=STD", *(f"{key}={literal(value)}" for key, value in keywords.items())]
    told = f"{name}{f', each of whose places begins with a score of {prior:g}' if prior is not None else ''}."
    lines = [*before, f"model = {name}(", *(f"    {each}," for each in given), ")"]
    if recipe.min_size is None and recipe.size is None:
        lines.append(
            "model.transform.resize = lambda image, target: (image, target)  # images stay as large as they are"
        )
    if prior is not None:
        lines.append(
            f"nn.init.constant_(model.head.classification_head.cls_logits.bias, {math.log(prior / (1 - prior))!r})"
        )
    return "\n".join(["def build_model() -> nn.Module:", f'    """{told}"""', indented(lines), "    return model"])


def _anchors(recipe: DetectionModelRecipe) -> str:
    assert recipe.anchor_sizes is not None
    assert recipe.anchor_ratios is not None
    sizes = tuple(tuple(map(_number, each)) for each in recipe.anchor_sizes if isinstance(each, list))
    return f"AnchorGenerator({sizes}, ({tuple(recipe.anchor_ratios)},) * {len(sizes)})"


def _number(value: float) -> float:
    return int(value) if value == int(value) else value
