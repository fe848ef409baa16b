"""A small data set on disk, a recipe for it, and the command line called as a shell would call it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from PIL import Image

from piste.cli.app import main

SIDE = 32


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def piste(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call the command line in this process: `piste("run", "lakes")`."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr("sys.argv", ["piste", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return call


def draw(folder: Path, count: int = 12, seed: int = 0) -> None:
    """Dark discs on a light ground, as images and masks of 0 and 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        y, x, radius = rng.uniform(8, 24), rng.uniform(8, 24), rng.uniform(3, 7)
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        image = np.where(disc[..., None], 60, 180) + rng.normal(0, 20, (SIDE, SIDE, 3))
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"tile{i:02d}.png")
        Image.fromarray((disc * 255).astype(np.uint8)).save(folder / "masks" / f"tile{i:02d}.png")
    splits = ["train"] * (count // 2) + ["val"] * (count // 4) + ["test"] * (count - count // 2 - count // 4)
    lines = [f"tile{i:02d},{split}" for i, split in enumerate(splits)]
    (folder / "split.csv").write_text("name,split\n" + "\n".join(lines) + "\n")


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """The folder of a small data set."""
    folder = tmp_path / "discs"
    draw(folder)
    return folder


def recipe_for(data: Path, **changes: Any) -> dict[str, Any]:
    """A recipe that trains in seconds."""
    return {
        "task": "segmentation",
        "data": {"path": str(data), "classes": {"background": 0, "lake": 255}},
        "model": {"encoder": "resnet18", "depth": 3, "width": 16},
        "loss": "cross_entropy",
        "epochs": 2,
        "batch_size": 3,
        "workers": 0,
        "device": "cpu",
    } | changes


@pytest.fixture
def write_recipe(tmp_path: Path, discs: Path) -> Callable[..., Path]:
    """Write the small recipe with changes; `data` is merged, the rest replaced."""

    def write(**changes: Any) -> Path:
        document = recipe_for(discs)
        document["data"] = document["data"] | changes.pop("data", {})
        file = tmp_path / "recipe.yaml"
        file.write_text(yaml.safe_dump(document | changes))
        return file

    return write
