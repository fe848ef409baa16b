"""Small images with objects on them, and objectives for what a detector says of them."""

import pytest
import torch

from piste.models.detection.architectures import ARCHITECTURES
from piste.models.detection.build import build_detector
from piste.models.detection.recipe import DetectionModelRecipe
from piste.objective.recipe import build, resolve

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


@pytest.fixture
def images():
    dice = torch.Generator().manual_seed(3)
    return [torch.rand(3, 96, 64, generator=dice), torch.rand(3, 64, 96, generator=dice), torch.rand(3, 96, 96)]


@pytest.fixture
def targets():
    boxes = [[[8.0, 10.0, 39.0, 50.0], [20.0, 60.0, 34.0, 73.0]], [[50.0, 20.0, 90.0, 60.0]], []]
    masks = []
    for (height, width), image in zip([(96, 64), (64, 96), (96, 96)], boxes, strict=True):
        mask = torch.zeros(len(image), height, width, dtype=torch.uint8)
        for i, (x1, y1, x2, y2) in enumerate(image):
            mask[i, int(y1) : int(y2), int(x1) : int((x1 + x2) / 2)] = 1
        masks.append(mask)
    labels = [[1, 2], [2], []]
    return [
        {"boxes": torch.tensor(b).reshape(-1, 4), "labels": torch.tensor(c, dtype=torch.long), "masks": m}
        for b, c, m in zip(boxes, labels, masks, strict=True)
    ]


@pytest.fixture
def detector():
    def make(name, seed=0, **keywords):
        small = {} if name == "ssd" else {"width": 32}
        recipe = DetectionModelRecipe(**{"name": name, **small, "strides": [8, 16, 32], **keywords})
        torch.manual_seed(seed)
        return build_detector(recipe, 2, MEAN, STD)

    return make


def objective(name, section, classes=("tree", "rock")):
    """What prices the detector of that name as a `loss:` section says."""
    parts = ARCHITECTURES[name].parts
    activation = parts["classification"].activation
    names = [*(["background"] if activation == "softmax" else []), *classes]
    resolved = resolve(section, task="detection", activation=activation, class_names=names, parts=parts)
    return build(resolved, activation=activation, parts=parts)
