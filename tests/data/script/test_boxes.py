"""Images with boxes as code: the samples that training sees, from files that are read without us."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piste.data.detection.data import open_detection
from piste.data.detection.recipe import DetectionDataRecipe
from piste.data.script.boxes import boxes_as_code
from tests.data.detection.boxes import coco, voc, yolo
from tests.data.script.test_data import SEED, carried_out, pixels

MIXED: list[Any] = [
    {"copy_paste": {"outline": "ellipse", "share": 0.9, "p": 0.8}},
    {"copy_paste": {"outline": "ellipse", "share": 0.9, "p": 0.8}},
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


def annotated(folder: Path, *, square: bool, crowd: str = "train") -> Path:
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
                crowds = int(split in crowd and i in (3, 4) and j == 1)
                entry = {"id": len(document["annotations"]), "image_id": 7 * i, "bbox": box, "iscrowd": crowds}
                document["annotations"].append(entry | {"category_id": (4, 2)[j % 2]})
        (folder / f"{split}.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("steps", [MIXED, CUT, []], ids=["mixed", "cut", "plain"])
@pytest.mark.parametrize(("square", "crowd"), [(True, "train"), (False, ""), (True, "train and val")])
def test_images_and_boxes_are_those_that_training_sees(
    tmp_path: Path, steps: list[Any], square: bool, crowd: str
) -> None:
    keys: dict[str, Any] = {"images": "pictures", "augment": steps, "normalize": "data"}
    keys["min_visible"] = 0.0 if steps is CUT else 0.8  # slivers go all the same; what is covered goes by its share
    if steps is CUT:
        keys |= {"prepare": [{"resize": {"smallest": 44}}], "evaluate": [{"centre_crop": {"height": 32, "width": 64}}]}
    data = open_detection(
        DetectionDataRecipe.model_validate({"path": annotated(tmp_path, square=square, crowd=crowd), **keys})
    )
    written = boxes_as_code(data, first=1)
    names = carried_out(written.constants, written.code, written.lists)
    assert written.crowded == ("val" in crowd)
    dropped = 0
    for split in ("train", "val"):
        ours = data.dataset(split, train=split == "train", seed=SEED)
        for epoch in range(5):
            ours.set_epoch(epoch)
            mine = names["Samples"](split, epoch)
            assert len(mine) == len(ours)
            for i in range(len(ours)):
                image, target = mine[i]
                assert torch.equal(image, ours[i]["image"])
                assert torch.equal(target["boxes"], ours[i]["target"]["boxes"])
                assert torch.equal(target["labels"], ours[i]["target"]["labels"])
                if written.crowded:
                    assert torch.equal(target["iscrowd"].bool(), ours[i]["target"]["crowd"])
                dropped += len(target["boxes"]) != len(data.splits[split][i].boxes)
    assert dropped > 6 or not steps


@pytest.mark.parametrize("crowd", ["", "train", "val"])
@pytest.mark.parametrize("write", [voc, yolo, coco])
def test_boxes_of_every_format_are_read(tmp_path: Path, write: Callable[..., Path], crowd: str) -> None:
    write(tmp_path, train=["a", "b", "c"], val=["d"])
    if write is voc and crowd:
        file = tmp_path / "Annotations" / f"{'a' if crowd == 'train' else 'd'}.xml"
        file.write_text(file.read_text().replace("<difficult>0", "<difficult>1", 1))
    classes = {} if crowd else {"classes": ["tree", "shrub"]}
    data = open_detection(DetectionDataRecipe.model_validate({"path": tmp_path, **classes}))
    written = boxes_as_code(data, first=0)
    assert written.crowded == (write is voc and crowd == "val")
    names = carried_out(written.constants, written.code, written.lists)
    for split in ("train", "val"):
        ours = data.dataset(split, train=split == "train")
        mine = names["Samples"](split, 1)
        assert len(mine) == len(ours)
        for i in range(len(ours)):
            image, target = mine[i]
            assert torch.equal(image, ours[i]["image"])
            torch.testing.assert_close(target["boxes"], ours[i]["target"]["boxes"])
            assert torch.equal(target["labels"] + 1, ours[i]["target"]["labels"])


def test_what_a_script_does_not_read_is_refused(tmp_path: Path) -> None:
    folder = annotated(tmp_path, square=True)
    sheared = DetectionDataRecipe.model_validate({"path": folder, "images": "pictures", "augment": ["shear"]})
    with pytest.raises(ValueError, match="a script can't do shear with boxes; it can do horizontal_flip"):
        boxes_as_code(open_detection(sheared), first=0)
