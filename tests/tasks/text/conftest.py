"""Lines whose characters are columns of a grey of their own, so that the right answer can be read off the pixels."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

GREYS = {char: 40 * (place + 1) for place, char in enumerate("abc ")} | {"x": 220}
CELL = 8  # pixels of a character: half of it grey, half of it black


def draw(text: str) -> np.ndarray:
    """An image of a line, 16 pixels high."""
    image = np.zeros((16, CELL * len(text)), np.uint8)
    for place, char in enumerate(text):
        image[:, CELL * place : CELL * place + CELL // 2] = GREYS[char]
    return image


def write_lines(folder: Path, lines: Mapping[str, list[str]]) -> Path:
    """A folder of lines by split."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["path,text,split"]
    for split, texts in lines.items():
        for i, text in enumerate(texts):
            Image.fromarray(draw(text)).save(folder / f"{split}{i:02}.png")
            rows.append(f"{split}{i:02}.png,{text},{split}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def some_texts(count: int, seed: int) -> list[str]:
    """Lines of two to seven characters, none of which begins or ends with a space."""
    random = Random(seed)
    return [
        "".join(random.choices("abc ", k=random.randint(0, 5))).join(random.choices("abc", k=2)) for _ in range(count)
    ]


def document(path: Path, **keys: Any) -> dict[str, Any]:
    """A recipe for these lines."""
    return {
        "task": "text",
        "data": {"path": str(path), "height": 16, "normalize": {"mean": [0.0] * 3, "std": [1.0] * 3}},
        "model": {"channels": 16, "width": 16, "depth": 1, "dropout": 0.0},
        "loss": "ctc",
        "optimizer": {"adamw": {"lr": 0.02}},
        "epochs": 2,
        "batch_size": 8,
        "workers": 0,
    } | keys


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """40 lines to train with, five to validate and three to test."""
    lines = {"train": some_texts(40, 0), "val": ["ab a", "cc", "abcabc", "a", "b bb"], "test": ["ca", "b", "aa c"]}
    return write_lines(tmp_path / "greys", lines)
