"""A trained detector of one stage as others run it: from images of one size to all its boxes and scores."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from piste.models.detection.one_stage import OneStage, on_canvas


@final
class DeployedDetector(nn.Module):
    """A detector between what is done to its images and the choice among boxes that overlap, which is left to others.

    Called with RGB images, float32 [N, 3, H, W], 0 … 1, all of the size it was made for; returns the box of each
    anchor, [N, A, 4], left, top, right, bottom in pixels of these images, and its score of each class, [N, A, C].

    Args:
        model: the detector, on the CPU.
        size: height and width of the images.
    """

    anchors: Tensor
    mean: Tensor
    std: Tensor
    ends: Tensor
    scale: Tensor

    def __init__(self, model: OneStage, size: tuple[int, int]) -> None:
        super().__init__()
        self.model = model.eval()
        transform = model.net.transform
        with torch.no_grad():
            shown, _ = on_canvas(transform, [torch.zeros(3, *size)], None, resize=model.resize)
            maps = list(model.net.backbone(shown.tensors).values())
            anchors = model.net.anchor_generator(shown, maps)
        (self.seen,), canvas = shown.image_sizes, shown.tensors.shape[-2:]
        self.margin = (0, canvas[1] - self.seen[1], 0, canvas[0] - self.seen[0])
        self.resized = self.seen != size
        self.register_buffer("anchors", torch.stack(anchors))
        self.register_buffer("mean", torch.tensor(transform.image_mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(transform.image_std).view(3, 1, 1))
        self.register_buffer("ends", torch.tensor([self.seen[1], self.seen[0]] * 2).float())
        across, down = size[1] / self.seen[1], size[0] / self.seen[0]
        self.register_buffer("scale", torch.tensor([across, down, across, down]))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes and scores; see the class."""
        image = (image - self.mean) / self.std
        if self.resized:
            image = F.interpolate(image, size=self.seen, mode="bilinear", align_corners=False)
        maps = self.model.net.backbone(F.pad(image, self.margin))
        outputs = self.model.net.head(list(maps.values()))
        anchors = self.anchors.expand(image.shape[0], -1, -1)
        boxes = self.model.placed(outputs, anchors)
        boxes = torch.minimum(boxes.clamp(min=0), self.ends)
        return boxes * self.scale, self.model.scored(outputs)
