"""What the detectors differ in: the parts they predict, what prices each by default, and where they look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.ssd import SSD

from piste.losses import catalogue
from piste.objective.recipe import Part

Normalizer = Literal["image", "batch", "samples"]

BOX = ("box_l1", "huber", "box_iou", "iou_balanced_localization")
BOX_READS = {"box_iou": "corners", "custom": "corners", "huber": "numbers"}
"""What of a box a loss is handed: its corners in pixels, or by numbers for losses of values. All others are handed
offsets from the anchor in units of its size, the form in which their papers state them."""

CLASS_READS = {"quality_focal": "quality", "varifocal": "quality"}
"""Losses whose label of a positive is the IoU that its box reaches."""


@dataclass(frozen=True)
class Architecture:
    """What is known of an architecture.

    Args:
        network: torchvision's class.
        parts: what it predicts, by name.
        normalizers: what the sums of costs may be divided by; the paper's first.
        strides: pixels between neighbouring places of each level.
        two_stage: whether boxes are proposed first and judged after.
        settings: keys of the `model:` section that it has besides the common ones.
        options: keywords of torchvision's that a recipe may set under `options`.
    """

    network: type
    parts: Mapping[str, Part]
    normalizers: tuple[Normalizer, ...]
    strides: tuple[int, ...]
    settings: tuple[str, ...]
    options: tuple[str, ...]
    two_stage: bool = False


def _labels(activation: str) -> tuple[str, ...]:
    """The losses of labels that suit detection and this activation."""
    specs = catalogue().items()
    return tuple(name for name, spec in specs if "detection" in spec.tasks and activation in spec.activations)


def _scores(default: Any, activation: str = "sigmoid", of: str | None = None) -> Part:
    """Scores of the classes, or of one thing that is there or not."""
    thing = None if of is None else (of,)
    return Part(_labels(activation), activation, default, "sum", CLASS_READS, class_names=thing)


def _boxes(default: Any) -> Part:
    return Part(BOX, "sigmoid", default, "sum", BOX_READS)


FOCAL = {"focal": {"gamma": 2.0, "alpha": 0.25}}
PLAIN = tuple(name for name in _labels("sigmoid") if name != "iou_balanced_classification")
NEAR = {"box_l1": {"beta": 1 / 9}}
DETECT = ("score_thresh", "nms_thresh", "detections_per_img", "topk_candidates")
PYRAMID = (8, 16, 32, 64, 128)
RESIZE = ("min_size", "max_size")

_TWO_STAGE: dict[str, Part] = {
    "classification": _scores("cross_entropy", "softmax"),
    "box": _boxes(NEAR),
    "objectness": _scores("binary_cross_entropy", of="object"),
    "proposal_box": _boxes(NEAR),
}
_RPN = tuple(
    f"rpn_{name}"
    for name in (
        *(f"{when}_nms_top_n_{split}" for when in ("pre", "post") for split in ("train", "test")),
        *("nms_thresh", "fg_iou_thresh", "bg_iou_thresh", "batch_size_per_image", "positive_fraction", "score_thresh"),
    )
)
_ROI = tuple(
    f"box_{name}"
    for name in (
        *("score_thresh", "nms_thresh", "detections_per_img", "fg_iou_thresh", "bg_iou_thresh"),
        *("batch_size_per_image", "positive_fraction"),
    )
)

ARCHITECTURES: Mapping[str, Architecture] = {
    "retinanet": Architecture(
        RetinaNet,
        {"classification": _scores(FOCAL), "box": _boxes({"box_l1": {"beta": 0.0}})},
        normalizers=("image", "batch"),
        strides=PYRAMID,
        settings=(*RESIZE, "anchor_sizes", "anchor_ratios", "prior", "head_norm", "width"),
        options=(*DETECT, "fg_iou_thresh", "bg_iou_thresh"),
    ),
    "fcos": Architecture(
        FCOS,
        {
            "classification": _scores(FOCAL),
            "box": _boxes({"box_iou": {"kind": "giou"}}),
            "centerness": Part(PLAIN, "sigmoid", "binary_cross_entropy", "sum", class_names=("centre",)),
        },
        normalizers=("batch", "image"),
        strides=PYRAMID,
        settings=(*RESIZE, "prior", "width"),
        options=(*DETECT, "center_sampling_radius"),
    ),
    "ssd": Architecture(
        SSD,
        {
            "anchors": Part(("multi_box",), "softmax", "multi_box", covers=("classification", "box")),
            "classification": _scores({"hard_mining": {"keep": 0.05}}, "softmax"),
            "box": _boxes("box_l1"),
        },
        normalizers=("batch", "image"),
        strides=(8, 16, 32, 64, 128, 256),
        settings=("size", "anchor_sizes", "anchor_ratios"),
        options=(*DETECT, "iou_thresh"),
    ),
    "faster_rcnn": Architecture(
        FasterRCNN,
        _TWO_STAGE,
        normalizers=("samples",),
        strides=(4, 8, 16, 32, 64),
        settings=(*RESIZE, "anchor_sizes", "anchor_ratios", "width"),
        options=(*_RPN, *_ROI),
        two_stage=True,
    ),
    "mask_rcnn": Architecture(
        MaskRCNN,
        {**_TWO_STAGE, "mask": Part(PLAIN, "sigmoid", "binary_cross_entropy", "sum", class_names=("object",))},
        normalizers=("samples",),
        strides=(4, 8, 16, 32, 64),
        settings=(*RESIZE, "anchor_sizes", "anchor_ratios", "width"),
        options=(*_RPN, *_ROI),
        two_stage=True,
    ),
}


def every_part() -> dict[str, Part]:
    """What any of them predicts, by name, with the losses that suit it in one or the other."""
    found: dict[str, Part] = {}
    for architecture in ARCHITECTURES.values():
        for name, part in architecture.parts.items():
            known = found.setdefault(name, part)
            found[name] = replace(known, losses=tuple(dict.fromkeys((*known.losses, *part.losses))))
    return found
