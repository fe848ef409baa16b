"""Pairs of images as code: the inputs and targets that training sees, however they come about."""

from pathlib import Path
from typing import Any

import pytest
import torch

from piste.data.restoration.opened import open_restoration
from piste.data.restoration.recipe import RestorationDataRecipe
from piste.data.script.pairs import pairs_as_code
from tests.data.files import picture, save
from tests.data.script.test_data import SEED, carried_out

TURNS = ["horizontal_flip", {"crop": {"height": 12, "width": 8, "p": 0.9}}, {"crop": {"height": 8, "width": 4}}]
DEGRADE: dict[str, list[Any]] = {
    "blurred and halved": [{"blur": {"sigma": 1.2}}, {"downscale": {"factor": 2}}],
    "less and less": [{"downscale": {"factor": 2, "kernel": "area"}}, {"blur": {"sigma": [0.0, 9.0]}}],
    "fixed before noise": [{"blur": {"sigma": 0.5}}, {"jpeg": {"quality": 70}}, {"noise": {"sigma": 0.1}}],
    "noise before what is fixed": [{"noise": {"sigma": [0.0, 0.3]}}, {"blur": {"sigma": 0.0}}, {"jpeg": {}}],
    "jpeg of any quality": [{"jpeg": {"quality": [20, 90]}}, {"downscale": {"factor": 2}}],
    "a blur wider than the image": [{"blur": {"sigma": 4.0}}],
}


def assert_same_samples(recipe: dict[str, Any]) -> str:
    data = open_restoration(RestorationDataRecipe.model_validate(recipe))
    parts = pairs_as_code(data)
    names = carried_out(*parts)
    for split in ("train", "val"):
        ours = data.dataset(split, train=split == "train", seed=SEED)
        ours.set_epoch(3)
        mine = names["Samples"](split, 3)
        assert len(mine) == len(ours)
        for i in range(len(ours)):
            for tensor, key in zip(mine[i], ("image", "target"), strict=True):
                assert torch.equal(tensor, ours[i][key])
    return "\n".join(parts[1])


@pytest.mark.parametrize("degrade", DEGRADE)
def test_clean_images_are_degraded_as_in_training(tmp_path: Path, degrade: str) -> None:
    for i in range(9):
        save(tmp_path / f"no {i}.png", picture(i, 17, 18))
    assert_same_samples({"path": tmp_path, "degrade": DEGRADE[degrade], "augment": ["colour_jitter", *TURNS]})


@pytest.mark.parametrize(("scale", "ends"), [(1, "png"), (2, "png"), (3, "jpg")])
def test_input_and_target_are_augmented_alike(tmp_path: Path, scale: int, ends: str) -> None:
    for i in range(9):
        save(tmp_path / "input" / f"{i}.png", picture(i, 6, 6))
        save(tmp_path / "target" / f"{i}.{ends}", picture(i + 50, 6 * scale, 6 * scale))
    crop = {"crop": {"height": 4 * scale, "width": 5 * scale}}
    assert_same_samples({"path": tmp_path, "augment": ["vertical_flip", "rotate90", crop]})


def test_what_no_chance_has_a_part_in_draws_nothing(tmp_path: Path) -> None:
    for i in range(9):
        save(tmp_path / f"{i}.png", picture(i, 16, 16))
    code = assert_same_samples({"path": tmp_path, "degrade": DEGRADE["blurred and halved"]})
    assert "draw" not in code
    assert "T.gaussian_blur(image, [9, 9], [1.2, 1.2])" in code
