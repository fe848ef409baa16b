"""Small data sets whose truth is drawn in the test."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIDE = 16


def draw_stripes(folder: Path, classes: int, splits: dict[str, int]) -> None:
    """Images whose grey value is 60 times the class, the class being the column modulo `classes`."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    mask = np.tile(np.arange(SIDE) % classes, (SIDE, 1)).astype(np.uint8)
    lines = ["name,split"]
    for split, count in splits.items():
        for i in range(count):
            name = f"{split}{i}"
            Image.fromarray(np.roll(mask, i, 1)).save(folder / "masks" / f"{name}.png")
            Image.fromarray(np.roll(mask * 60, i, 1)).convert("RGB").save(folder / "images" / f"{name}.png")
            lines.append(f"{name},{split}")
    (folder / "split.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """Three classes, six training images, three to validate, two to test."""
    folder = tmp_path / "stripes"
    draw_stripes(folder, classes=3, splits={"train": 6, "val": 3, "test": 2})
    return folder
