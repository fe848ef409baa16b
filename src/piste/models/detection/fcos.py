"""FCOS: every place of a feature pyramid within an object says how far it is to the object's four sides."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from piste.models.detection.matched import (
    Coder,
    Matched,
    Priced,
    gathered,
    match,
    price_boxes,
    price_scores,
    share_of,
    together,
)
from piste.models.detection.one_stage import Detection, OneStage, Target, by_level, labels_from_one


@final
class FCOSDetector(OneStage):
    """FCOS of torchvision."""

    def price(
        self, outputs: Mapping[str, Tensor], anchors: Tensor, targets: Sequence[Target], levels: Sequence[int]
    ) -> Priced:
        """Classification, box and centerness, each place with the smallest object that it may stand for."""
        radius = self.net.center_sampling_radius
        found = [
            smallest_around(each, target["boxes"], levels, radius)
            for each, target in zip(anchors, targets, strict=True)
        ]
        labels, truth = gathered(torch.stack(found), targets)
        coder = self.net.box_coder
        matched = match(
            outputs["cls_logits"],
            outputs["bbox_regression"],
            anchors,
            labels - 1,
            truth,
            counts=torch.ones_like(labels, dtype=torch.bool),
            share=share_of(self.normalizer, labels > 0),
            coder=Coder(lambda boxes, at: coder.encode(at, boxes), coder.decode),
        )
        return together(
            [
                price_scores("classification", matched, "sigmoid"),
                price_boxes("box", matched),
                price_centerness("centerness", matched, outputs["bbox_ctrness"]),
            ]
        )

    def detect(
        self, outputs: Mapping[str, Tensor], anchors: list[Tensor], sizes: Sequence[tuple[int, int]], levels: list[int]
    ) -> list[Detection]:
        """By torchvision."""
        return labels_from_one(self.net.postprocess_detections(*by_level(outputs, anchors, levels), sizes))

    def scored(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Each class by itself, less the farther a place is from the centre."""
        return (outputs["cls_logits"].sigmoid() * outputs["bbox_ctrness"].sigmoid()).sqrt()

    def placed(self, outputs: Mapping[str, Tensor], anchors: Tensor) -> Tensor:
        """By torchvision."""
        boxes: Tensor = self.net.box_coder.decode(outputs["bbox_regression"], anchors)
        return boxes


def smallest_around(places: Tensor, boxes: Tensor, levels: Sequence[int], radius: float) -> Tensor:
    """The object that each place stands for: its index, -1 for none, [A].

    A place stands for an object that it lies within, near its centre, if the farthest of the four sides is as far as
    suits its level: 4 to 8 strides, with no lower bound in the finest level and no upper one in the coarsest. Of
    several objects the smallest is taken.

    Args:
        places: squares as wide as the stride, around each place, [A, 4].
        boxes: of the objects, [n, 4].
        levels: how many places each level has.
        radius: how near to the centre, in strides.
    """
    if len(boxes) == 0:
        return places.new_full((len(places),), -1).long()
    at, centres = (places[:, :2] + places[:, 2:]) / 2, (boxes[:, :2] + boxes[:, 2:]) / 2
    stride = places[:, 2] - places[:, 0]
    low, high = 4 * stride, 8 * stride
    low[: levels[0]] = 0
    high[-levels[-1] :] = torch.inf
    to_centre = (at[:, None] - centres).abs().amax(2)
    to_sides = torch.cat((at[:, None] - boxes[:, :2], boxes[:, 2:] - at[:, None]), 2)
    farthest = to_sides.amax(2)
    suits = (to_centre < radius * stride[:, None]) & (to_sides.amin(2) > 0)
    suits &= (farthest > low[:, None]) & (farthest < high[:, None])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).expand_as(suits)
    smallest = area.where(suits, torch.inf).min(1)
    return smallest.indices.where(smallest.values.isfinite(), -1)


def price_centerness(part: str, matched: Matched, scores: Tensor) -> Priced:
    """How central places are within their objects: 1 in the middle, 0 on a side."""
    left, top, right, bottom = matched.true_offsets.unbind(-1)
    across = torch.minimum(left, right) / torch.maximum(left, right)
    upright = torch.minimum(top, bottom) / torch.maximum(top, bottom)
    weight = matched.share * (matched.classes >= 0)
    target = {"labels": (across * upright).sqrt().unsqueeze(1), "sample_weight": weight.unsqueeze(1)}
    return Priced({part: scores.transpose(1, 2).float()}, {part: target}, {part: None})
