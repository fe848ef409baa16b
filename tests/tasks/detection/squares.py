"""Images with red and blue squares on grey, annotated as COCO does it, and models that read them off the colours."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn

from piste.models.detection.one_stage import Found
from piste.tasks.detection import DetectionTask
from piste.training.recipe import Recipe

SIDE = 64
SPLITS = {"train": 8, "val": 4, "test": 2}
SMALL = {
    "name": "retinanet",
    "backbone": "tu-lcnet_050",
    "strides": [8, 16],
    "width": 32,
    "anchor_sizes": [[12, 16], [20, 28]],
    "anchor_ratios": [1.0],
}


def draw_squares(folder: Path) -> Path:
    """A red square in each image, and a blue one in every second; sizes and places go with the image's number."""
    (folder / "images").mkdir(parents=True)
    number = 0
    for split, count in SPLITS.items():
        document: dict[str, Any] = {"images": [], "annotations": []}
        document["categories"] = [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]
        for i in range(count):
            name = f"{split}{i}.png"
            image = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
            document["images"].append({"id": i, "file_name": name, "width": SIDE, "height": SIDE})
            for category in (1, 2)[: 1 + i % 2]:
                side = 12 + (5 * i + category) % 9
                left, top = 4 + (7 * i) % 10 + 28 * (category - 1), 6 + (11 * i) % 30
                image[top : top + side, left : left + side] = (240, 30, 30) if category == 1 else (30, 30, 240)
                outline = [left, top, left + side, top, left + side, top + side, left, top + side]
                number += 1
                document["annotations"].append(
                    {
                        **{"id": number, "image_id": i, "category_id": category, "iscrowd": 0, "area": side**2},
                        **{"bbox": [left, top, side, side], "segmentation": [outline]},
                    }
                )
            Image.fromarray(image).save(folder / "images" / name)
        (folder / f"{split}.json").write_text(json.dumps(document))
    return folder


def document(path: Path, **keys: Any) -> dict[str, Any]:
    """A recipe for these images."""
    return {
        "task": "detection",
        "data": {"path": str(path), "normalize": "data"},
        "model": SMALL,
        "loss": {"classification": "focal", "box": {"box_iou": {"kind": "giou"}}},
        "optimizer": {"adamw": {"lr": 0.002}},
        "epochs": 2,
        "batch_size": 4,
    } | keys


def opened(path: Path, **keys: Any) -> DetectionTask:
    """The task of such a recipe."""
    task = Recipe.parse(document(path, **keys)).open()
    assert isinstance(task, DetectionTask)
    return task


class Reader(nn.Module):
    """Reads squares off the colours: right by construction, or wrong in one respect.

    Args:
        shift: how far every box is moved to the right, in pixels.
        blind: a label that it does not see.
        score: of every box, those of blue squares half of it.
    """

    def __init__(self, *, shift: int = 0, blind: int = 0, score: float = 0.9) -> None:
        super().__init__()
        self.shift, self.blind, self.score = shift, blind, score
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None) -> Found:
        return Found({}, {}, {}, [self.read(image) for image in images])

    def read(self, image: Tensor) -> dict[str, Tensor]:
        boxes, labels = [], []
        for label, channel in ((1, 0), (2, 2)):
            regions, _ = ndimage.label((image[channel] > 0.7).numpy())
            for rows, columns in ndimage.find_objects(regions):
                if label != self.blind:
                    left, right = columns.start + self.shift, columns.stop + self.shift
                    boxes.append([left, rows.start, right, rows.stop])
                    labels.append(label)
        scores = [self.score if label == 1 else self.score / 2 for label in labels]
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "scores": torch.tensor(scores),
        }
