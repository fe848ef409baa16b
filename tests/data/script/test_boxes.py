"""Images with boxes as code: the samples that training sees, from files that are read without us."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piste.data.detection.data import open_detection
from piste.data.detection.recipe import DetectionDataRecipe
from piste.data.script.boxes import boxes_as_code
from tests.data.script.test_data import SEED, carried_out, pixels

MIXED: list[Any] = [
    {"copy_paste": {"outline": "ellipse", "p": 0.7}},
    {"mosaic": {"p": 0.7}},
    "horizontal_flip",
    "vertical_flip",
    "rotate90",
    {"shift_scale_rotate": {"degrees": 30, "scale": 0.4}},
    "rotate",
    {"colour_jitter": {"hue": 0.05}},
    "grey",
]
CUT: list[Any] = [
    {"copy_paste": {"outline": "box", "p": 1.0}},
    {"crop": {"height": 30, "width": 50}},
    {"random_sized_crop": {"height": 24, "width": 28, "p": 0.5}},
    {"mosaic": {"height": 40, "width": 36}},
    {"resize": {"longest": 44}},
]


def annotated(folder: Path, *, square: bool) -> Path:
    """Twelve images with up to four boxes, some of which reach a little beyond, in COCO's JSON."""
    draw = np.random.default_rng(3)
    for split, count in (("train", 8), ("val", 4)):
        document: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
        document["categories"] = [{"id": 4, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 9, "name": "unseen"}]
        for i in range(count):
            height, width = (48, 48) if square else ((40, 56), (56, 40))[i % 2]
            path = folder / "pictures" / f"{split} {i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels(height, width, 3, seed=i)).save(path)
            document["images"].append({"id": 7 * i, "file_name": path.name})
            for j in range(i % 5):
                left, top = draw.uniform(-0.5, width - 14), draw.uniform(0, height - 12)
                box = [left, top, draw.uniform(3, 14.5), draw.uniform(3, 12)]
                crowd = int(split == "train" and i == 4 and j == 1)
                entry = {"id": len(document["annotations"]), "image_id": 7 * i, "bbox": box, "iscrowd": crowd}
                document["annotations"].append(entry | {"category_id": (4, 2)[j % 2]})
        (folder / f"{split}.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("steps", [MIXED, CUT, []], ids=["mixed", "cut", "plain"])
@pytest.mark.parametrize("square", [True, False], ids=["square", "oblong"])
def test_images_and_boxes_are_those_that_training_sees(tmp_path: Path, steps: list[Any], square: bool) -> None:
    keys: dict[str, Any] = {"images": "pictures", "augment": steps, "normalize": "data"}
    if steps is CUT:
        keys |= {"prepare": [{"resize": {"smallest": 44}}], "evaluate": [{"centre_crop": {"height": 32, "width": 64}}]}
    data = open_detection(DetectionDataRecipe.model_validate({"path": annotated(tmp_path, square=square), **keys}))
    names = carried_out(*boxes_as_code(data, first=1))
    dropped = 0
    for split in ("train", "val"):
        ours = data.dataset(split, train=split == "train", seed=SEED)
        for epoch in (1, 2, 3):
            ours.set_epoch(epoch)
            mine = names["Samples"](split, epoch)
            assert len(mine) == len(ours)
            for i in range(len(ours)):
                image, target = mine[i]
                assert torch.equal(image, ours[i]["image"])
                assert torch.equal(target["boxes"], ours[i]["target"]["boxes"])
                assert torch.equal(target["labels"], ours[i]["target"]["labels"])
                dropped += len(target["boxes"]) != len(data.splits[split][i].boxes)
    assert (dropped > 5) == bool(steps)


def test_what_a_script_does_not_read_is_refused(tmp_path: Path) -> None:
    folder = annotated(tmp_path, square=True)
    sheared = DetectionDataRecipe.model_validate({"path": folder, "images": "pictures", "augment": ["shear"]})
    with pytest.raises(ValueError, match="a script can't do shear with boxes; it can do horizontal_flip"):
        boxes_as_code(open_detection(sheared), first=0)
