"""What a detector hands out for losses to price: scores and boxes, each beside what it should have been."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou


class Coder(NamedTuple):
    """How boxes are told relative to anchors, both [*, 4].

    Args:
        encode: boxes and anchors to offsets.
        decode: offsets and anchors to boxes.
    """

    encode: Callable[[Tensor, Tensor], Tensor]
    decode: Callable[[Tensor, Tensor], Tensor]


def coded(coder: BoxCoder) -> Coder:
    """Torchvision's coder of centres and sizes."""

    def flat(code: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda boxes, anchors: code(boxes.reshape(-1, 4), anchors.reshape(-1, 4)).view_as(boxes)

    return Coder(flat(coder.encode_single), flat(coder.decode_single))


class Matched(NamedTuple):
    """Anchors, or proposals, each with what the network says of it and with the object it was matched to.

    N images with A anchors each, or N = 1 with proposals of all images. Where there is no object, boxes have those
    of the anchor as their truth, and count nothing.

    Args:
        logits: scores, [N, C, A].
        classes: index of the true class among C, [N, A]; -1 for none.
        counts: anchors whose score counts, bool [N, A].
        offsets: what the network says of each box, [N, A, 4].
        true_offsets: what it should say.
        corners: the boxes that it means, x1, y1, x2, y2 in pixels, [N, A, 4].
        true_corners: those of the objects.
        share: what each anchor of an image counts in a sum of costs, [N, 1]: 1 by the normalizer.
    """

    logits: Tensor
    classes: Tensor
    counts: Tensor
    offsets: Tensor
    true_offsets: Tensor
    corners: Tensor
    true_corners: Tensor
    share: Tensor


class Priced(NamedTuple):
    """Prediction, target and mask of a batch, by part and form (`box`, `box.corners`), as objectives take them.

    Args:
        prediction: what the network says.
        target: what a loss may ask for, by name, for each.
        mask: which elements count, or None.
    """

    prediction: Mapping[str, Tensor]
    target: Mapping[str, Mapping[str, Tensor]]
    mask: Mapping[str, Tensor | None]


def match(
    logits: Tensor,
    offsets: Tensor,
    anchors: Tensor,
    classes: Tensor,
    truth: Tensor,
    *,
    counts: Tensor,
    share: Tensor,
    coder: Coder,
) -> Matched:
    """Anchors with what the network says of them and the objects they were matched to.

    Args:
        logits: [N, A, C].
        offsets: [N, A, 4].
        anchors: x1, y1, x2, y2, [N, A, 4].
        classes: as in `Matched`.
        truth: corners of the objects, [N, A, 4]; of no meaning where there is none.
        counts: as in `Matched`.
        share: as in `Matched`.
        coder: tells boxes relative to anchors.
    """
    truth = torch.where((classes >= 0).unsqueeze(-1), truth, anchors)
    return Matched(
        logits.transpose(1, 2).float(),
        classes,
        counts,
        offsets.float(),
        coder.encode(truth, anchors),
        coder.decode(offsets.float(), anchors),
        truth,
        share,
    )


def share_of(normalizer: str, positive: Tensor) -> Tensor:
    """What each anchor of an image counts, [N, 1], for positives bool [N, A]."""
    found = positive.sum(1, keepdim=True)
    if normalizer == "batch":
        return 1 / found.sum().clamp(min=1).expand_as(found)
    return 1 / (found.clamp(min=1) * len(found))


def iou_of(matched: Matched) -> Tensor:
    """The IoU of each regressed box and its truth, [N, A], without gradient; 0 where there is no object."""
    return overlap(matched.corners.detach(), matched.true_corners).where(matched.classes >= 0, 0)


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """The IoU of each box and its counterpart, both [*, 4]; 0 for two without area."""
    low, high = torch.maximum(boxes, others)[..., :2], torch.minimum(boxes, others)[..., 2:]
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(-1) for each in (boxes, others)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=torch.finfo(shared.dtype).tiny)


def price_scores(part: str, matched: Matched, activation: str) -> Priced:
    """The scores of classes: labels, or with softmax class ids after the background; and labels worth their IoU."""
    positive, iou = matched.classes >= 0, iou_of(matched)
    beside = {"iou": iou, "sample_weight": matched.share.expand_as(iou)}
    if activation == "softmax":
        target = {part: {"labels": matched.classes + 1, **beside}}
        return Priced({part: matched.logits}, target, {part: matched.counts})
    ids = torch.arange(matched.logits.shape[1], device=positive.device).view(1, -1, 1)
    labels = matched.classes.unsqueeze(1) == ids
    beside["sample_weight"] = matched.share.unsqueeze(1).expand(-1, 1, iou.shape[1])
    quality, mask = f"{part}.quality", matched.counts.unsqueeze(1)
    return Priced(
        {part: matched.logits, quality: matched.logits},
        {part: {"labels": labels, **beside}, quality: {"labels": labels * iou.unsqueeze(1), **beside}},
        {part: mask, quality: mask},
    )


def price_boxes(part: str, matched: Matched) -> Priced:
    """The boxes of what was matched to an object: as offsets, as corners, and number by number."""
    weight = matched.share * (matched.classes >= 0)
    beside = {"iou": iou_of(matched), "sample_weight": weight}
    corners, numbers = f"{part}.corners", f"{part}.numbers"
    return Priced(
        {part: matched.offsets, corners: matched.corners, numbers: matched.offsets},
        {
            part: {"labels": matched.true_offsets, **beside},
            corners: {"labels": matched.true_corners, **beside},
            numbers: {"labels": matched.true_offsets, "sample_weight": weight.unsqueeze(-1)},
        },
        dict.fromkeys((part, corners, numbers)),
    )


def price_anchors(part: str, matched: Matched) -> Priced:
    """Scores and offsets together, as `MultiBox` takes them."""
    target = {"offsets": matched.offsets, "labels": matched.classes + 1, "target_offsets": matched.true_offsets}
    return Priced({part: matched.logits.transpose(1, 2)}, {part: target}, {part: None})


def together(priced: Sequence[Priced]) -> Priced:
    """All parts in one."""
    prediction: dict[str, Any] = {}
    target: dict[str, Any] = {}
    mask: dict[str, Any] = {}
    for each in priced:
        prediction |= each.prediction
        target |= each.target
        mask |= each.mask
    return Priced(prediction, target, mask)


def best_by_iou(
    anchors: Tensor, targets: Sequence[Mapping[str, Tensor]], matcher: Callable[[Tensor], Tensor]
) -> Tensor:
    """The object of each anchor, by torchvision's matcher, [N, A]: its index, -1 for none, -2 for what counts nothing.

    Args:
        anchors: [N, A, 4].
        targets: `boxes` of each image.
        matcher: from IoU of objects and anchors to indices.
    """
    found = [
        matcher(box_iou(target["boxes"], each)) if len(target["boxes"]) else each.new_full((len(each),), -1).long()
        for each, target in zip(anchors, targets, strict=True)
    ]
    return torch.stack(found)


def gathered(indices: Tensor, targets: Sequence[Mapping[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """Class id (1 and up; 0 for none) and corners of the object of each anchor, [N, A] and [N, A, 4]."""
    classes, boxes = [], []
    for index, target in zip(indices, targets, strict=True):
        at = index.clamp(min=-1) + 1  # what has no object is handed the one put in front
        classes.append(F.pad(target["labels"], (1, 0))[at])
        boxes.append(F.pad(target["boxes"], (0, 0, 1, 0))[at])
    return torch.stack(classes), torch.stack(boxes)
