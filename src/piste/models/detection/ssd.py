"""SSD: scores and boxes for many default boxes on the maps of a backbone as they come."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from piste.models.detection.matched import (
    Priced,
    best_by_iou,
    coded,
    gathered,
    match,
    price_anchors,
    price_boxes,
    price_scores,
    share_of,
    together,
)
from piste.models.detection.one_stage import Detection, OneStage, Target


@final
class SSDDetector(OneStage):
    """SSD of torchvision; the classes exclude each other, and the first is the background."""

    def price(
        self, outputs: Mapping[str, Tensor], anchors: Tensor, targets: Sequence[Target], levels: Sequence[int]
    ) -> Priced:
        """Classification and box, apart and together, each default box with the object that covers it best."""
        labels, truth = gathered(best_by_iou(anchors, targets, self.net.proposal_matcher), targets)
        matched = match(
            outputs["cls_logits"],
            outputs["bbox_regression"],
            anchors,
            labels - 1,
            truth,
            counts=torch.ones_like(labels, dtype=torch.bool),
            share=share_of(self.normalizer, labels > 0),
            coder=coded(self.net.box_coder),
        )
        return together(
            [
                price_anchors("anchors", matched),
                price_scores("classification", matched, "softmax"),
                price_boxes("box", matched),
            ]
        )

    def detect(
        self, outputs: Mapping[str, Tensor], anchors: list[Tensor], sizes: Sequence[tuple[int, int]], levels: list[int]
    ) -> list[Detection]:
        """By torchvision."""
        widened = {name: output.float() for name, output in outputs.items()}
        found: list[Detection] = self.net.postprocess_detections(widened, anchors, sizes)
        return found

    def scored(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The classes, without what is none of them."""
        return outputs["cls_logits"].softmax(-1)[..., 1:]

    def placed(self, outputs: Mapping[str, Tensor], anchors: Tensor) -> Tensor:
        """By torchvision."""
        boxes: Tensor = coded(self.net.box_coder).decode(outputs["bbox_regression"], anchors)
        return boxes
