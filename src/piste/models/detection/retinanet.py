"""RetinaNet: scores and boxes for a few anchors at every place of a feature pyramid."""

from collections.abc import Mapping, Sequence
from typing import final

from torch import Tensor

from piste.models.detection.matched import (
    Priced,
    best_by_iou,
    coded,
    gathered,
    match,
    price_boxes,
    price_scores,
    share_of,
    together,
)
from piste.models.detection.one_stage import Detection, OneStage, Target, by_level, labels_from_one


@final
class RetinaNetDetector(OneStage):
    """RetinaNet of torchvision; anchors whose IoU lies between its two thresholds count nothing."""

    def price(
        self, outputs: Mapping[str, Tensor], anchors: Tensor, targets: Sequence[Target], levels: Sequence[int]
    ) -> Priced:
        """Classification and box, each anchor with the object that covers it best."""
        indices = best_by_iou(anchors, targets, self.net.proposal_matcher)
        labels, truth = gathered(indices, targets)
        matched = match(
            outputs["cls_logits"],
            outputs["bbox_regression"],
            anchors,
            labels - 1,
            truth,
            counts=indices != self.net.proposal_matcher.BETWEEN_THRESHOLDS,
            share=share_of(self.normalizer, labels > 0),
            coder=coded(self.net.box_coder),
        )
        return together([price_scores("classification", matched, "sigmoid"), price_boxes("box", matched)])

    def detect(
        self, outputs: Mapping[str, Tensor], anchors: list[Tensor], sizes: Sequence[tuple[int, int]], levels: list[int]
    ) -> list[Detection]:
        """By torchvision."""
        return labels_from_one(self.net.postprocess_detections(*by_level(outputs, anchors, levels), sizes))

    def scored(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Each class by itself."""
        return outputs["cls_logits"].sigmoid()

    def placed(self, outputs: Mapping[str, Tensor], anchors: Tensor) -> Tensor:
        """By torchvision."""
        boxes: Tensor = coded(self.net.box_coder).decode(outputs["bbox_regression"], anchors)
        return boxes
