"""Detectors by name: torchvision's, built as a recipe says."""

import math
from functools import partial
from typing import Any

import torch
from torch import nn
from torchvision.models import get_weight
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops import MultiScaleRoIAlign

from piste.models.detection.architectures import ARCHITECTURES
from piste.models.detection.backbone import build_backbone, check_backbone
from piste.models.detection.fcos import FCOSDetector
from piste.models.detection.one_stage import OneStage
from piste.models.detection.recipe import DetectionModelRecipe
from piste.models.detection.retinanet import RetinaNetDetector
from piste.models.detection.ssd import SSDDetector
from piste.models.detection.two_stage import TwoStage
from piste.models.hushed import hushed

Triple = tuple[float, float, float]

ONE_STAGE: dict[str, type[OneStage]] = {"retinanet": RetinaNetDetector, "fcos": FCOSDetector, "ssd": SSDDetector}
COCO = {
    "retinanet": "RetinaNet_ResNet50_FPN_Weights",
    "fcos": "FCOS_ResNet50_FPN_Weights",
    "faster_rcnn": "FasterRCNN_ResNet50_FPN_Weights",
    "mask_rcnn": "MaskRCNN_ResNet50_FPN_Weights",
}
OF_CLASSES = (
    "head.classification_head.cls_logits",
    "roi_heads.box_predictor",
    "roi_heads.mask_predictor.mask_fcn_logits",
)
"""Layers whose shape follows from the classes."""


def build_detector(recipe: DetectionModelRecipe, classes: int, mean: Triple, std: Triple) -> nn.Module:
    """A detector that finds objects of `classes` classes, called with images and targets; see `OneStage`, `TwoStage`.

    Random weights come from torch's random state at the call; pretrained ones are loaded through the libraries.

    Args:
        recipe: the `model:` section of a recipe.
        classes: how many classes of objects there are; what is none of them is not counted.
        mean: of red, green and blue where white is 1, which the detector subtracts.
        std: by which it divides.

    Raises:
        ValueError: a setting that cannot be, or weights that can't be loaded here.
    """
    try:
        with hushed():
            backbone = build_backbone(recipe)
        net = _network(recipe, backbone, classes, mean, std)
        if recipe.weights is not None:
            _load_coco(net, recipe.name)
    except (OSError, RuntimeError, KeyError) as error:
        if recipe.weights is None and recipe.weights_backbone is None:
            raise
        raise ValueError(_not_loaded(recipe, error)) from error
    resize = recipe.min_size is not None or recipe.size is not None
    if ARCHITECTURES[recipe.name].two_stage:
        return TwoStage(net, resize=resize)
    return ONE_STAGE[recipe.name](net, resize=resize, normalizer=recipe.normalizer)


def check_detector(recipe: DetectionModelRecipe) -> None:
    """Show that a detector can be built, without loading or initialising anything.

    Raises:
        ValueError: as `build_detector`.
    """
    check_backbone(recipe.backbone)
    bare = recipe.model_copy(update={"weights": None, "weights_backbone": None})
    with torch.device("meta"), hushed():
        build_backbone(bare)


def _not_loaded(recipe: DetectionModelRecipe, error: Exception) -> str:
    """One line on weights that are not there."""
    reason = str(error).strip("'\"").partition("\n")[0].partition(". ")[0] or type(error).__name__
    key = "weights" if recipe.weights is not None else "weights_backbone"
    return (
        f"`model.{key}`: {getattr(recipe, key)} for {recipe.backbone} could not be loaded ({reason}); it is downloaded"
        " on first use, so go online once, name a set that it has, or use null"
    )


def _network(recipe: DetectionModelRecipe, backbone: nn.Module, classes: int, mean: Triple, std: Triple) -> nn.Module:
    """Torchvision's network."""
    common: dict[str, Any] = {"image_mean": list(mean), "image_std": list(std), **recipe.options}
    side = recipe.min_size or 800
    if recipe.name == "ssd":
        square = recipe.size or 300
        return _ssd(recipe, backbone, classes + 1, {"size": (square, square), **common})
    common |= {"min_size": side, "max_size": recipe.max_size or 10 * side}
    if ARCHITECTURES[recipe.name].two_stage:
        levels = sum(stride <= 32 for stride in recipe.strides)
        names = [str(stride) for stride in recipe.strides[:levels]]
        pools = {"box_roi_pool": MultiScaleRoIAlign(names, 7, 2)}
        if recipe.name == "mask_rcnn":
            pools["mask_roi_pool"] = MultiScaleRoIAlign(names, 14, 2)
        network: nn.Module = ARCHITECTURES[recipe.name].network(
            backbone, classes + 1, rpn_anchor_generator=_anchors(recipe), **pools, **common
        )
        return network
    if recipe.name == "fcos":
        sizes = tuple((stride,) for stride in recipe.strides)
        places = AnchorGenerator(sizes, ((1.0,),) * len(sizes))
        network = ARCHITECTURES["fcos"].network(backbone, classes, anchor_generator=places, **common)
    else:
        anchors = _anchors(recipe)
        norm = partial(nn.GroupNorm, 32) if recipe.head_norm == "group" else None
        head = RetinaNetHead(recipe.width, anchors.num_anchors_per_location()[0], classes, norm)
        network = ARCHITECTURES["retinanet"].network(backbone, classes, anchor_generator=anchors, head=head, **common)
    scores: Any = network.head.classification_head.cls_logits  # type: ignore[union-attr]
    nn.init.constant_(scores.bias, math.log(recipe.prior / (1 - recipe.prior)))
    return network


def _anchors(recipe: DetectionModelRecipe) -> AnchorGenerator:
    assert recipe.anchor_sizes is not None
    assert recipe.anchor_ratios is not None
    sizes = tuple(tuple(each) for each in recipe.anchor_sizes if isinstance(each, list))
    return AnchorGenerator(sizes, (tuple(recipe.anchor_ratios),) * len(sizes))


def _ssd(recipe: DetectionModelRecipe, backbone: nn.Module, channels: int, keywords: dict[str, Any]) -> nn.Module:
    assert recipe.anchor_sizes is not None
    assert recipe.anchor_ratios is not None
    ratios = [list(recipe.anchor_ratios) for _ in recipe.strides]
    shares = [each for each in recipe.anchor_sizes if not isinstance(each, list)]
    boxes = DefaultBoxGenerator(ratios, scales=shares)
    network: nn.Module = ARCHITECTURES["ssd"].network(
        backbone, anchor_generator=boxes, num_classes=channels, **keywords
    )
    return network


def _load_coco(net: nn.Module, name: str) -> None:
    """Load a detector trained on COCO, without the layers that score its classes.

    Raises:
        ValueError: its other layers are not those of this network.
    """
    state = get_weight(f"{COCO[name]}.COCO_V1").get_state_dict(progress=False, check_hash=True)
    kept = {key: value for key, value in state.items() if not key.startswith(OF_CLASSES)}
    try:
        missing = net.load_state_dict(kept, strict=False).missing_keys
    except RuntimeError as error:
        missing = [str(error).partition("size mismatch for ")[2].partition(":")[0]]
    left = [key for key in missing if not key.startswith(OF_CLASSES) and not key.endswith("num_batches_tracked")]
    if left:
        raise ValueError(
            f"`model.weights`: coco does not fit this network (at {left[0]}): leave strides, width, anchors and"
            " head_norm as they are by default"
        )
    overwrite_eps(net, 0.0)  # what these weights were trained with
