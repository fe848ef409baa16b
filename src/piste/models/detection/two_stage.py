"""Faster and Mask R-CNN: a feature pyramid proposes boxes, and each is judged and corrected by what is in it."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import project_masks_on_boxes
from torchvision.models.detection.rpn import concat_box_prediction_layers

from piste.models.detection.matched import Priced, coded, match, price_boxes, price_scores, together
from piste.models.detection.one_stage import Detection, Found, Target, in_place, on_canvas

Maps = Mapping[str, Tensor]


@final
class TwoStage(nn.Module):
    """Faster R-CNN or Mask R-CNN of torchvision, with the losses left out.

    Anchors and proposals are sampled as there, some positive and some negative; each counts one by their number.

    Args:
        net: torchvision's model.
        resize: whether images are resized before the backbone.
    """

    def __init__(self, net: nn.Module, *, resize: bool) -> None:
        super().__init__()
        self.net: Any = net
        self.resize = resize

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None) -> Found:
        """What losses price, given targets, and outside of training the detections, in one pass of the backbone.

        Args:
            images: RGB where white is 1, [3, H, W] each.
            targets: boxes [n, 4], labels [n], from 1, and for Mask R-CNN masks [n, H, W] of each image.
        """
        shown, moved = on_canvas(self.net.transform, images, targets, resize=self.resize)
        features: Maps = self.net.backbone(shown.tensors)
        proposals, priced = self._propose(shown, features, moved)
        if moved is not None:
            priced += self._judge(shown, features, proposals, moved)
        found: list[Detection] = []
        if not self.training:
            found, _ = self.net.roi_heads(features, proposals, shown.image_sizes)
            found = in_place(self.net.transform, found, shown, images)
        return Found(*together(priced), found)

    def _propose(
        self, shown: ImageList, features: Maps, targets: Sequence[Target] | None
    ) -> tuple[list[Tensor], list[Priced]]:
        """The boxes that are worth a look, and what prices the choice."""
        rpn, maps = self.net.rpn, list(features.values())
        scored, moved = rpn.head(maps)
        anchors = rpn.anchor_generator(shown, [each.float() for each in maps])
        levels = [each[0].numel() for each in scored]
        scores, offsets = (each.float() for each in concat_box_prediction_layers(scored, moved))
        number = len(anchors)
        boxes = rpn.box_coder.decode(offsets.detach(), anchors).view(number, -1, 4)
        proposals, _ = rpn.filter_proposals(boxes, scores, shown.image_sizes, levels)
        if targets is None:
            return proposals, []
        labels, truth = rpn.assign_targets_to_anchors(anchors, targets)
        positive, negative = (torch.stack(each).bool() for each in rpn.fg_bg_sampler(labels))
        sampled = positive | negative
        matched = match(
            scores.view(number, -1, 1),
            offsets.view(number, -1, 4),
            torch.stack(anchors),
            positive.long() - 1,
            torch.stack(truth),
            counts=sampled,
            share=_one_by(sampled.sum()).expand(number, 1),
            coder=coded(rpn.box_coder),
        )
        return proposals, [price_scores("objectness", matched, "sigmoid"), price_boxes("proposal_box", matched)]

    def _judge(
        self, shown: ImageList, features: Maps, proposals: list[Tensor], targets: Sequence[Target]
    ) -> list[Priced]:
        """What prices classes, boxes and masks of some proposals; those of all images in one row."""
        heads = self.net.roi_heads
        sampled, indices, labels, _ = heads.select_training_samples(list(proposals), [dict(each) for each in targets])
        pooled = heads.box_head(heads.box_roi_pool(features, sampled, shown.image_sizes))
        logits, moved = heads.box_predictor(pooled)
        classes = torch.cat(labels)
        number = len(classes)
        offsets = moved.view(number, -1, 4)[torch.arange(number, device=classes.device), classes]
        matched = match(
            logits.unsqueeze(0),
            offsets.unsqueeze(0),
            torch.cat(sampled).unsqueeze(0),
            classes.unsqueeze(0) - 1,
            torch.cat([_boxes(target)[index] for target, index in zip(targets, indices, strict=True)]).unsqueeze(0),
            counts=torch.ones_like(classes, dtype=torch.bool).unsqueeze(0),
            share=logits.new_full((1, 1), 1 / max(number, 1)),
            coder=coded(heads.box_coder),
        )
        priced = [price_scores("classification", matched, "softmax"), price_boxes("box", matched)]
        if heads.has_mask():
            priced.append(self._outline(shown, features, sampled, indices, labels, targets))
        return priced

    def _outline(
        self,
        shown: ImageList,
        features: Maps,
        proposals: list[Tensor],
        indices: list[Tensor],
        labels: list[Tensor],
        targets: Sequence[Target],
    ) -> Priced:
        """What prices the masks of the positive proposals, within each of them."""
        heads = self.net.roi_heads
        positive = [each > 0 for each in labels]
        boxes = [each[where] for each, where in zip(proposals, positive, strict=True)]
        pooled = heads.mask_head(heads.mask_roi_pool(features, boxes, shown.image_sizes))
        logits = heads.mask_predictor(pooled)
        classes = torch.cat([each[where] for each, where in zip(labels, positive, strict=True)])
        own = logits[torch.arange(len(classes), device=classes.device), classes].unsqueeze(1).float()
        side = own.shape[-1]
        truth = [
            project_masks_on_boxes(target["masks"], each, index[where], side)
            for target, each, index, where in zip(targets, boxes, indices, positive, strict=True)
        ]
        target = {
            "labels": torch.cat(truth).unsqueeze(1),
            "sample_weight": own.new_full((1, 1, 1, 1), 1 / max(own.numel(), 1)).expand(len(own), -1, -1, -1),
        }
        return Priced({"mask": own}, {"mask": target}, {"mask": None})


def _one_by(number: Tensor) -> Tensor:
    return (1 / number.clamp(min=1)).view(1, 1)


def _boxes(target: Target) -> Tensor:
    """The boxes of an image; one of no meaning where it has none, which no proposal of it is matched to."""
    boxes = target["boxes"]
    return boxes if len(boxes) else boxes.new_zeros(1, 4)
