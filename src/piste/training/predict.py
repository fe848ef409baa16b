"""What a run's best model says of new images: written to a folder, one line an image."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from piste.data.folder import SUFFIXES
from piste.data.problems import DataError
from piste.training.aside import write_picture, written_aside
from piste.training.device import start_accelerator
from piste.training.run import best_model, task_of_run

LINES = "predictions.jsonl"
Watch = Callable[[Iterable[Path]], Iterable[Path]]


def image_files(paths: Sequence[Path]) -> list[Path]:
    """The images that files and folders stand for, each once; folders are searched, in order of names.

    Raises:
        FileNotFoundError: a path is not there, or a folder holds no image.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise FileNotFoundError(f"{path} holds no image; images end in {', '.join(sorted(SUFFIXES))}")
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            raise FileNotFoundError(f"{path}: no such file")
    return list(found)


@torch.no_grad()
def predict_files(run: Path, images: Sequence[Path], out: Path, *, watch: Watch = iter) -> list[DataError]:
    """Write what a run's best model says of images.

    `out/predictions.jsonl` gets a line an image: its path, and what the task tells of it; pictures, such as masks, are
    written beside it under the image's stem. A file that can't be read is left out, and the others are done.

    Args:
        run: the run's folder.
        images: files.
        out: the folder to write to; made where it isn't there.
        watch: sees the images go by, for a progress bar.

    Returns:
        What was wrong with the files that were left out.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the run has no best epoch, or two images would be written under one name.
    """
    recipe, task = task_of_run(run)
    stems: dict[str, Path] = {}
    for image in images:
        if stems.setdefault(image.stem, image) != image:
            raise ValueError(f"{image} and {stems[image.stem]} have one stem and would overwrite each other in {out}")
    model = best_model(task, run).to(start_accelerator(recipe).device).eval()
    out.mkdir(parents=True, exist_ok=True)
    problems = []
    with written_aside(out / LINES) as aside, open(aside, "w", encoding="utf-8") as file:
        for image in watch(images):
            try:
                said = task.predict(model, image)
            except DataError as error:
                problems.append(error)
                continue
            pictures = {name: f"{image.stem}.{name}.png" for name in said.pictures}
            for name, pixels in said.pictures.items():
                write_picture(out / pictures[name], pixels)
            file.write(json.dumps({"image": str(image), **said.facts, **pictures}, ensure_ascii=False) + "\n")
    return problems
