"""Whatever is wrong with what a user gives: one line that names the cure, exit code 2, nothing half-written."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import SIDE, Said

Piste = Callable[..., Said]
WriteRecipe = Callable[..., Path]


def refused(piste: Piste, runs: Path, recipe: object, *more: object) -> str:
    """What the command line says as it refuses to run a recipe."""
    said = piste("run", recipe, "--runs", runs, *more)
    assert said.code == 2, said
    assert "Traceback" not in said.err
    assert said.err.startswith("piste: ")
    assert said.err.count("\n") == 1, said.err
    assert not runs.exists() or not list(runs.iterdir())
    return said.err


CYCLE = {"cycle": {"times": 1, "phases": [{"loss": "cross_entropy", "until": "recal >= 0.9", "at_most": 2}, "jaccard"]}}

RECIPES: list[tuple[dict[str, Any], list[str]]] = [
    ({"epoch": 3}, ["`epoch`", "nearest: epochs"]),
    ({"loss": "focall"}, ["focall", "nearest: focal"]),
    ({"loss": "huber"}, ["huber", "does not suit segmentation", "jaccard"]),
    ({"loss": "binary_cross_entropy"}, ["binary_cross_entropy", "sigmoid"]),
    ({"loss": {"focal": {"gama": 2.0}}}, ["gama", "nearest: gamma"]),
    ({"loss": {"focal": {"gamma": -1.0}}}, ["gamma", "-1"]),
    ({"loss": {"cross_entropy": {"weight": [1.0, 2.0, 3.0]}}}, ["weight", "3", "2"]),
    ({"loss": {"cross_entropy": {"weight": "invers"}}}, ["invers", "nearest: inverse"]),
    ({"loss": CYCLE}, ["recal", "nearest: recall"]),
    ({"model": {"name": "unett"}}, ["unett", "nearest: unet"]),
    ({"model": {"encoder": "resnet19"}}, ["resnet19", "nearest: resnet18"]),
    ({"model": {"name": "linknet", "width": 8}}, ["`model.width`", "linknet"]),
    ({"optimizer": "adamm"}, ["adamm", "nearest: adam"]),
    ({"optimizer": {"adam": {"momentum": 0.9}}}, ["momentum", "adam"]),
    ({"scheduler": "cosin"}, ["cosin", "nearest: cosine"]),
    ({"scheduler": {"cosine": {"gamma": 0.5}}}, ["gamma", "cosine"]),
    ({"best": "iuo"}, ["iuo", "nearest: iou"]),
    ({"early_stopping": {"metric": "reacll", "patience": 3}}, ["reacll", "nearest: recall"]),
    ({"precision": "fp16"}, ["fp16", "GPU"]),
    ({"data": {"path": "nowhere"}}, ["nowhere"]),
    ({"data": {"augment": ["flip"]}}, ["flip", "horizontal_flip"]),
    ({"data": {"classes": {"background": 0, "lake": 254}}}, ["255"]),
    ({"data": {"classes": {"background": 0, "lake": 255, "river": 100}}}, ["river"]),
    ({"data": {"split": {"ratio": [1.0, 0.0]}}}, ["ratio"]),
]


@pytest.mark.parametrize(("changes", "words"), RECIPES, ids=lambda value: str(value)[:40])
def test_a_recipe_with_a_mistake(
    piste: Piste, write_recipe: WriteRecipe, tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    line = refused(piste, tmp_path / "runs", write_recipe(**changes))
    for word in words:
        assert word in line, line


def _remove_mask(folder: Path) -> None:
    (folder / "masks" / "tile03.png").unlink()


def _remove_image(folder: Path) -> None:
    (folder / "images" / "tile03.png").unlink()


def _empty_image(folder: Path) -> None:
    (folder / "images" / "tile03.png").write_bytes(b"")


def _cut_image(folder: Path) -> None:
    file = folder / "images" / "tile03.png"
    file.write_bytes(file.read_bytes()[:60])


def _other_size(folder: Path) -> None:
    Image.new("L", (SIDE, SIDE // 2)).save(folder / "masks" / "tile03.png")


def _other_value(folder: Path) -> None:
    Image.fromarray(np.full((SIDE, SIDE), 77, np.uint8)).save(folder / "masks" / "tile03.png")


def _no_lake(folder: Path) -> None:
    for file in (folder / "masks").iterdir():
        Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(file)


def _empty_validation(folder: Path) -> None:
    file = folder / "split.csv"
    file.write_text(file.read_text().replace(",val", ",train"))


def _no_masks(folder: Path) -> None:
    shutil.rmtree(folder / "masks")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_remove_mask, ["tile03", "mask"]),
        (_remove_image, ["tile03", "image"]),
        (_empty_image, ["tile03"]),
        (_cut_image, ["tile03"]),
        (_other_size, ["tile03", "32"]),
        (_other_value, ["tile03", "77"]),
        (_no_lake, ["lake"]),
        (_empty_validation, ["val"]),
        (_no_masks, ["masks"]),
    ],
)
def test_data_with_something_wrong(
    piste: Piste,
    write_recipe: WriteRecipe,
    discs: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    words: list[str],
) -> None:
    spoil(discs)
    recipe = write_recipe()
    line = refused(piste, tmp_path / "runs", recipe)
    for word in words:
        assert word in line, line
    checked = piste("data", "check", recipe)
    assert checked.code == 2
    for word in words:
        assert word in checked.out + checked.err


def test_a_run_name_that_exists(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    said = piste("run", write_recipe(), "--runs", tmp_path / "runs", "--name", "mine")
    assert said.code == 2
    assert "'mine' exists" in said.err
    assert list((tmp_path / "runs" / "mine").iterdir()) == []


def test_resuming_what_is_no_run(piste: Piste, tmp_path: Path) -> None:
    (tmp_path / "runs" / "folder").mkdir(parents=True)
    assert "no recipe.yaml" in piste("resume", "folder", "--runs", tmp_path / "runs").err
    said = piste("resume", "nothing", "--runs", tmp_path / "runs")
    assert said.code == 2
    assert "no run 'nothing'" in said.err


def test_a_recipe_that_is_not_there(piste: Piste, tmp_path: Path) -> None:
    assert "built-in recipe; built in: " in refused(piste, tmp_path / "runs", "lake")
    assert "built-in recipe; built in: " in refused(piste, tmp_path / "runs", "lake.yaml")


def test_an_override_of_nothing(piste: Piste, tmp_path: Path) -> None:
    assert "`epoch`" in refused(piste, tmp_path / "runs", "lakes", "--set", "epoch=3")


def test_a_shell_sees_one_line_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "piste", "run", "lakes", "--set", "model.name=unett", "--runs", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "nearest: unet" in ended.stderr
