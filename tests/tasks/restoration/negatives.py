"""A data set whose targets are the negatives of its inputs, and a model that is right by construction."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from piste.tasks.restoration import RestorationTask
from piste.training.recipe import Recipe

SIDE = 24


def draw_negatives(folder: Path, count: int = 10, sizes: tuple[tuple[int, int], ...] = ((SIDE, SIDE),)) -> Path:
    """Smooth pictures as inputs, their negatives as targets; all of one size, or of several in turn."""
    for part in ("input", "target"):
        (folder / part).mkdir(parents=True)
    rows = ["name,split"]
    for i in range(count):
        height, width = sizes[i % len(sizes)]
        y, x = np.mgrid[:height, :width]
        waves = [0.5 + 0.4 * np.sin((0.3 + 0.1 * c) * x + 0.2 * i * y + c) for c in range(3)]
        pixels = np.rint(255 * np.stack(waves, 2)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "input" / f"{i}.png")
        Image.fromarray(255 - pixels).save(folder / "target" / f"{i}.png")
        rows.append(f"{i},{'test' if i % 5 == 4 else 'val' if i % 5 == 3 else 'train'}")
    (folder / "split.csv").write_text("\n".join(rows) + "\n")
    return folder


def recipe(folder: Path, **keys: object) -> Recipe:
    """A small training on the CPU."""
    return Recipe.parse(
        {
            "task": "restoration",
            "data": {"path": str(folder)},
            "model": {"width": 4, "blocks": 1},
            "loss": "absolute_error",
            "epochs": 2,
            "batch_size": 4,
            "workers": 0,
            "device": "cpu",
            **keys,
        }
    )


def opened(folder: Path, **keys: object) -> RestorationTask:
    """The task of that recipe."""
    task = recipe(folder, **keys).open()
    assert isinstance(task, RestorationTask)
    return task


class Negative(nn.Module):
    """What the data set asks for, wrong by a little in every image."""

    def __init__(self, off: float = 0.0) -> None:
        super().__init__()
        self.off = nn.Parameter(torch.tensor(off))

    def forward(self, images: Tensor) -> Tensor:
        return 1 - images + self.off
