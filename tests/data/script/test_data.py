"""Data as code: the samples that training sees, from files that are read without us."""

import gzip
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piste.data.classification.opened import open_classification
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.recipe import SegmentationDataRecipe
from piste.data.script.masks import masks_as_code
from piste.data.script.pictures import pictures_as_code
from piste.data.segmentation import open_segmentation
from piste.training.script.whole import IMPORTS

SEED = 4


def carried_out(*parts: list[str]) -> dict[str, Any]:
    """The names that code defines, with all that a script imports."""
    names: dict[str, Any] = {"SEED": SEED}
    exec("\n".join(IMPORTS.values()), names)
    constants, code, lists = parts
    exec("\n".join([*constants, *code, *lists]), names)
    return names


def pixels(*shape: int, seed: int = 0, most: int = 256) -> Any:
    return np.random.default_rng(seed).integers(0, most, shape, np.uint8)


def save_masks(folder: Path, kind: str) -> Mapping[str, Any]:
    """Nine images with masks of a kind; the keys of a recipe that reads them."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(9):
        size = (12, 16) if i % 2 else (16, 12)
        Image.fromarray(pixels(*size, 3, seed=i)).save(folder / "images" / f"{i}.{'jpg' if kind == 'grey' else 'png'}")
        ids = pixels(*size, seed=i, most=2)
        mask = {
            "grey": Image.fromarray(
                np.where(ids == 1, 7, 0).astype(np.uint8) + (pixels(*size, seed=i) > 250) * np.uint8(90)
            ),
            "bit": Image.fromarray(ids == 1),
            "rgb": Image.fromarray(np.repeat(ids[:, :, None], 3, 2)),
            "colours": Image.fromarray(np.stack([ids * 200, ids * 0, 90 - 90 * ids], 2)),
        }[kind]
        mask.save(folder / "masks" / f"{i}.png")
    return {
        "grey": {"classes": {"background": 0, "lake": 7}, "ignore": [90, 97]},
        "bit": {"classes": {"background": 0, "lake": 255}},
        "rgb": {"classes": {"background": 0, "lake": 1}},
        "colours": {"classes": {"background": [0, 0, 90], "lake": [200, 0, 0]}},
    }[kind]


@pytest.mark.parametrize("kind", ["grey", "bit", "rgb", "colours"])
def test_images_and_masks_of_every_kind_are_those_that_training_sees(tmp_path: Path, kind: str) -> None:
    keys = save_masks(tmp_path, kind)
    steps = {"augment": ["rotate", "colour_jitter"], "evaluate": [{"centre_crop": {"height": 10, "width": 10}}]}
    if kind == "rgb":
        steps["prepare"] = [{"resize": {"longest": 20}}]
    recipe = SegmentationDataRecipe.model_validate({"path": tmp_path, "normalize": "data", **keys, **steps})
    data = open_segmentation(recipe)
    *parts, collate = masks_as_code(data, 8)
    names = carried_out(*parts)
    assert collate == "padded"
    for split in ("train", "val"):
        ours = data.dataset(split, train=split == "train", seed=SEED)
        ours.set_epoch(3)
        mine = names["Samples"](split, 3)
        assert len(mine) == len(ours)
        for i in range(len(ours)):
            assert torch.equal(mine[i][0], ours[i]["image"])
            assert torch.equal(mine[i][1], ours[i]["target"])
        batch = data.collate(8)([ours[i] for i in range(len(ours))])
        images, target = names["padded"]([mine[i] for i in range(len(ours))])
        assert torch.equal(images, batch["image"])
        assert torch.equal(target, batch["target"])


def save_pictures(folder: Path, kind: str) -> Mapping[str, Any]:
    """Twenty pictures of three classes, in one of the layouts; the keys of a recipe that reads them."""
    folder.mkdir()
    if kind == "idx":
        for start, count in (("train", 16), ("t10k", 4)):
            images, labels = pixels(count, 8, 8, seed=count), np.arange(count, dtype=np.uint8) % 3
            head = struct.pack(">4B3I", 0, 0, 8, 3, count, 8, 8)
            (folder / f"{start}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + images.tobytes()))
            head = struct.pack(">4BI", 0, 0, 8, 1, count)
            (folder / f"{start}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
        return {"path": folder, "label_noise": {"rate": 0.5, "seed": 2}}
    rows = ["path,label" if kind == "csv" else "path,labels"]
    for i in range(20):
        name = "abc"[i % 3]
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(pixels(8, 8, 3, seed=i)).save(folder / name / f"no {i}.png")
        rows.append(f"{name}/no {i}.png,{name if i % 4 else 'b' if kind == 'csv' else 'b;c'}")
    if kind != "folders":
        (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return {"path": folder, "split": {"ratio": [0.6, 0.4], "seed": 3}}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["idx", "folders", "csv", "labels"])
def test_pictures_and_labels_of_every_layout_are_those_that_training_sees(
    tmp_path: Path, kind: str, channels: int
) -> None:
    keys = save_pictures(tmp_path / "some pictures", kind)
    steps = {"prepare": [{"resize": {"height": 10, "width": 9}}], "augment": ["rotate"], "evaluate": ["equalize"]}
    steps["evaluate"] = [{"equalize": {"p": 1.0}}]
    data = open_classification(ClassificationDataRecipe.model_validate({**keys, **steps}))
    names = carried_out(*pictures_as_code(data, channels))
    for split in ("train", "val"):
        ours = data.pictures.dataset(split, data.targets[split], train=split == "train", seed=SEED, channels=channels)
        ours.set_epoch(2)
        mine = names["Samples"](split, 2)
        assert len(mine) == len(ours)
        for i in range(len(ours)):
            assert torch.equal(mine[i][0], ours[i]["image"])
            assert torch.equal(torch.as_tensor(mine[i][1]), ours[i]["target"])
