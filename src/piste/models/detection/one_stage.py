"""Detectors of one stage: every place of a feature map says at once what is there and where it ends."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from piste.models.detection.matched import Priced

Target = Mapping[str, Tensor]
Detection = dict[str, Tensor]


class Found(NamedTuple):
    """What a detector returns of a batch.

    Args:
        prediction: as in `Priced`; empty without targets.
        target: as in `Priced`.
        mask: as in `Priced`.
        detections: boxes in pixels of the image as it came, scores and labels (from 1) of each image, the surest
            first; none while training.
    """

    prediction: Mapping[str, Tensor]
    target: Mapping[str, Mapping[str, Tensor]]
    mask: Mapping[str, Tensor | None]
    detections: list[Detection]


def on_canvas(
    transform: GeneralizedRCNNTransform, images: Sequence[Tensor], targets: Sequence[Target] | None, *, resize: bool
) -> tuple[ImageList, Sequence[Target] | None]:
    """Images normalised, resized where that is wanted, and padded to one size; boxes and masks go with them."""
    if resize:
        listed: ImageList
        listed, moved = transform(list(images), None if targets is None else [dict(target) for target in targets])
        return listed, moved
    sizes = [(image.shape[-2], image.shape[-1]) for image in images]
    normal = [transform.normalize(image) for image in images]
    return ImageList(transform.batch_images(normal, transform.size_divisible), sizes), targets


def in_place(
    transform: GeneralizedRCNNTransform, found: list[Detection], shown: ImageList, images: Sequence[Tensor]
) -> list[Detection]:
    """Detections in pixels of the images as they came."""
    sizes = [(image.shape[-2], image.shape[-1]) for image in images]
    placed: list[Detection] = transform.postprocess(found, shown.image_sizes, sizes)
    return placed


class OneStage(nn.Module, ABC):
    """A detector of one stage, whose parts are torchvision's.

    Args:
        net: torchvision's model, which holds transform, backbone, head and anchor generator.
        resize: whether images are resized before the backbone.
        normalizer: what the sums of costs are divided by.
    """

    def __init__(self, net: nn.Module, *, resize: bool, normalizer: str) -> None:
        super().__init__()
        self.net: Any = net
        self.resize = resize
        self.normalizer = normalizer

    @abstractmethod
    def price(
        self, outputs: Mapping[str, Tensor], anchors: Tensor, targets: Sequence[Target], levels: Sequence[int]
    ) -> Priced:
        """What the head says beside what it should say.

        Args:
            outputs: of the head, by torchvision's names.
            anchors: x1, y1, x2, y2, [N, A, 4].
            targets: boxes and labels (from 1) of each image.
            levels: how many anchors each level has.
        """

    @abstractmethod
    def detect(
        self, outputs: Mapping[str, Tensor], anchors: list[Tensor], sizes: Sequence[tuple[int, int]], levels: list[int]
    ) -> list[Detection]:
        """The objects of each image, labels from 1."""

    @abstractmethod
    def scored(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The score of each class at each anchor, 0 … 1, [N, A, C].

        Args:
            outputs: of the head, by torchvision's names.
        """

    @abstractmethod
    def placed(self, outputs: Mapping[str, Tensor], anchors: Tensor) -> Tensor:
        """The box that the head makes of each anchor, in pixels, [N, A, 4].

        Args:
            outputs: of the head, by torchvision's names.
            anchors: x1, y1, x2, y2, [N, A, 4].
        """

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None) -> Found:
        """What losses price, given targets, and outside of training the detections, in one pass.

        Args:
            images: RGB where white is 1, [3, H, W] each.
            targets: boxes [n, 4] and labels [n], from 1, of each image.
        """
        shown, moved = on_canvas(self.net.transform, images, targets, resize=self.resize)
        features = list(self.net.backbone(shown.tensors).values())
        outputs = self.net.head(features)
        anchors = self.net.anchor_generator(shown, [each.float() for each in features])
        places = [each.shape[2] * each.shape[3] for each in features]
        per_place = self.net.anchor_generator.num_anchors_per_location()
        levels = [number * each for number, each in zip(places, per_place, strict=True)]
        priced = Priced({}, {}, {}) if moved is None else self.price(outputs, torch.stack(anchors), moved, levels)
        found: list[Detection] = []
        if not self.training:
            found = self.detect(outputs, anchors, shown.image_sizes, levels)
            found = in_place(self.net.transform, found, shown, images)
        return Found(*priced, found)


def by_level(
    outputs: Mapping[str, Tensor], anchors: Sequence[Tensor], levels: list[int]
) -> tuple[dict[str, list[Tensor]], list[list[Tensor]]]:
    """Outputs and anchors split by level, as torchvision's postprocessing takes them."""
    split = {name: list(torch.split(output.float(), levels, dim=1)) for name, output in outputs.items()}
    return split, [list(torch.split(each, levels)) for each in anchors]


def labels_from_one(found: list[Detection]) -> list[Detection]:
    """Detections of heads that have no score for the background, whose classes count from 0."""
    return [{**each, "labels": each["labels"] + 1} for each in found]
