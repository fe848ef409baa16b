"""`piste predict`: what a run's best model says of new images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Said

Piste = Callable[..., Said]


@pytest.fixture
def trained(piste: Piste, write_recipe: Callable[..., Path], tmp_path: Path) -> Path:
    """The folder of runs, with one called `small`."""
    recipe = write_recipe(epochs=1, optimizer={"adamw": {"lr": 0.01}})
    assert piste("run", recipe, "--name", "small", "--runs", tmp_path / "runs").code == 0
    return tmp_path / "runs"


def told(out: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text("utf-8").splitlines()]
    return {Path(line["image"]).name: line for line in lines}


def test_it_says_what_the_validation_saw(piste: Piste, trained: Path, discs: Path, tmp_path: Path) -> None:
    said = piste("predict", "small", discs / "images", "--out", tmp_path / "out", "--runs", trained)
    assert said.code == 0, said.err
    assert f"12 of 12 images: {tmp_path / 'out' / 'predictions.jsonl'}" in said.out
    with np.load(trained / "small" / "wall.npz") as wall:
        for i, name in enumerate(wall["names"]):
            with Image.open(tmp_path / "out" / f"{name}.classes.png") as picture:
                mask = np.array(picture)
            assert np.array_equal(mask, wall[f"predicted_{i}"])
            shares = told(tmp_path / "out")[f"{name}.png"]["shares"]
            assert shares["lake"] == pytest.approx(float((mask == 1).mean()))


def test_an_image_of_another_size_gets_a_mask_of_its_own_size(piste: Piste, trained: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.png"
    Image.fromarray(np.full((37, 53, 3), 180, np.uint8)).save(odd)
    assert piste("predict", "small", odd, "--out", tmp_path / "out", "--runs", trained).code == 0
    with Image.open(tmp_path / "out" / "odd.classes.png") as mask:
        assert mask.size == (53, 37)


def test_a_broken_file_is_left_out_and_named(piste: Piste, trained: Path, discs: Path, tmp_path: Path) -> None:
    new = shutil.copytree(discs / "images", tmp_path / "new")
    (new / "broken.png").write_text("no image")
    said = piste("predict", "small", new, "--out", tmp_path / "out", "--runs", trained)
    assert said.code == 1
    assert "left out:" in said.err
    assert "broken.png: is no PNG" in said.err
    assert len(told(tmp_path / "out")) == 12


def test_what_can_not_be_is_refused(piste: Piste, trained: Path, discs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        (("small", tmp_path / "none.png"), "none.png: no such file"),
        (("small", tmp_path / "empty"), "holds no image; images end in .jpeg, .jpg, .png, .tif, .tiff"),
        (("smal", discs / "images"), "no run 'smal'"),
    ):
        said = piste("predict", *arguments, "--out", tmp_path / "out", "--runs", trained)
        assert said.code == 2
        assert words in said.err
        assert not (tmp_path / "out").exists()
    twin = tmp_path / "twin" / "tile00.png"
    twin.parent.mkdir()
    twin.write_bytes((discs / "images" / "tile00.png").read_bytes())
    said = piste("predict", "small", discs / "images", twin, "--out", tmp_path / "out", "--runs", trained)
    assert said.code == 2
    assert "would overwrite each other" in said.err


def test_data_that_are_gone_are_named_with_the_cure(piste: Piste, trained: Path, discs: Path, tmp_path: Path) -> None:
    kept = shutil.copytree(discs / "images", tmp_path / "new")
    recipe = trained / "small" / "recipe.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace(f"path: {discs}", f"path: {discs}-gone"), "utf-8")
    for command in (("predict", "small", kept, "--out", tmp_path / "out"), ("export", "small", "--torch")):
        said = piste(*command, "--runs", trained)
        assert said.code != 0
        assert said.err.count("\n") == 1
        assert f"set data.path in {recipe} to where they are" in said.err
