"""A run: a recipe carried out in a folder of its own, from the first check to the last picture."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from piste.losses import check, spec_of
from piste.losses.base import Loss
from piste.tasks.examination import Examination, Seen, examine
from piste.tasks.segmentation import SegmentationTask
from piste.training.aside import written_aside
from piste.training.checkpoint import Checkpoints, read_checkpoint
from piste.training.device import start_accelerator
from piste.training.events import Sink
from piste.training.loop import Outcome, train
from piste.training.recipe import Recipe

AUGMENTED = 6  # training images shown in the report's picture of augmented samples
VERSIONS = 4  # how often each of them is drawn

Echo = Callable[[str], None]


def start_run(recipe: Recipe, folder: Path, *, sinks: tuple[Sink, ...] = (), echo: Echo = print) -> None:
    """Carry out a recipe in a new folder.

    Everything that can be refused is refused before the folder exists.

    Args:
        recipe: what to do.
        folder: of the run; must not exist.
        sinks: called with each event.
        echo: shows a line to the user.

    Raises:
        ValueError: the recipe, or the data, has something wrong with it.
        FileExistsError: the folder is there.
        FloatingPointError: a loss or a gradient was not finite.
        OSError: the disk is full.
    """
    task = open_task(recipe)
    resolved = recipe.resolved(task.data.recipe, dict(task.loss))
    start_accelerator(recipe)
    _check_first_batch(task, resolved)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    text = resolved.to_yaml()
    with written_aside(folder / "recipe.yaml") as aside:
        aside.write_text(text, "utf-8")
    echo(text)
    _carry_out(task, resolved, folder, sinks, resume=False)


def resume_run(folder: Path, *, sinks: tuple[Sink, ...] = (), echo: Echo = print) -> None:
    """Go on with a run from its last good checkpoint, or from the start where it has none.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the run is finished, or its recipe or checkpoints are damaged.
    """
    file = folder / "recipe.yaml"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} is no run: it holds no recipe.yaml")
    if (folder / "summary.json").is_file():
        raise ValueError(f"run {folder.name} is finished; there is nothing to resume")
    recipe = Recipe.parse(yaml.safe_load(file.read_text("utf-8")), str(file))
    echo(f"Resuming {folder.name}")
    _carry_out(open_task(recipe), recipe, folder, sinks, resume=True)


def open_task(recipe: Recipe) -> SegmentationTask:
    """The task of a recipe, all of its settings checked.

    Raises:
        ValueError: a setting that can't be.
    """
    task = SegmentationTask.open(recipe.data, recipe.model, recipe.loss, seed=recipe.seed)
    recipe.check_metrics(task.metric_names)
    return task


def _carry_out(task: SegmentationTask, recipe: Recipe, folder: Path, sinks: tuple[Sink, ...], *, resume: bool) -> None:
    if task.data.recipe.augment and not (folder / "augmented.npz").exists():
        _save_augmented(task, folder)
    outcome = train(task, recipe, folder, sinks=sinks, resume=resume)
    _save_results(task, recipe, folder, outcome)


def _check_first_batch(task: SegmentationTask, recipe: Recipe) -> None:
    """Let every loss of the catalogue look at the values of a real batch, which they don't do while training."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(recipe.seed)
        model, objective = task.model().train(), task.objective()
        batches = task.loader("train", train=True, workers=0, batch_size=recipe.batch_size)
        for output in (task.forward(model, batch) for batch in islice(batches, 1)):
            for loss in objective.modules():
                if isinstance(loss, Loss):
                    try:
                        with torch.enable_grad():
                            check(loss, output.prediction, output.asked, mask=output.mask)
                    except ValueError as error:
                        raise ValueError(f"{spec_of(loss).name} on the first batch: {error}") from error


def _save_results(task: SegmentationTask, recipe: Recipe, folder: Path, outcome: Outcome) -> None:
    """Examine the best epoch's model, and keep what the report shows; the summary is written last."""
    accelerator = start_accelerator(recipe)
    best = Checkpoints(folder / "checkpoints").best
    if not best.exists():
        raise ValueError(
            f"run {folder.name}: {recipe.best or task.default_metric} never had a finite value on the validation"
            " images, so no epoch is the best; choose another metric for `best`"
        )
    model = task.model()
    model.load_state_dict(read_checkpoint(best)["model"])
    model = accelerator.prepare(model)

    def batches(split: str) -> Iterable[Any]:
        loader = task.loader(split, train=False, workers=recipe.workers, batch_size=recipe.batch_size)
        found: Iterable[Any] = accelerator.prepare(loader)
        return found

    val = examine(task, model, "val", batches("val"))
    has_test = "test" in task.data.splits
    test = examine(task, model, "test", batches("test"), val.thresholds) if has_test else None
    _save_wall(val.wall, folder)
    _write_json(folder / "evaluation.json", {"val": _figures(val), "test": test and _figures(test)})
    counts = task.data.counts
    summary = {
        "name": folder.name,
        "task": recipe.task,
        **outcome._asdict(),
        "classes": list(task.data.class_names),
        "background": task.data.background,
        "counts": asdict(counts),
        "weights": _weights(task),
        "val": {"default": val.default, "best_threshold": val.best},
        "test": test and {"default": test.default, "best_threshold": test.best},
        "thresholds": {"default": 0.5, "best": val.thresholds},
    }
    _write_json(folder / "summary.json", summary)


def _weights(task: SegmentationTask) -> dict[str, list[float]]:
    """The class weights of each loss that has some, by the loss's name; a second set of one loss gets a number."""
    found: dict[str, list[float]] = {}
    for loss in task.objective().modules():
        weight = getattr(loss, "weight", None) if isinstance(loss, Loss) else None
        if weight is not None and list(weight) not in found.values():
            name = spec_of(loss).name
            found[name if name not in found else f"{name}_{len(found) + 1}"] = [float(w) for w in weight]
    return found


def _figures(examination: Examination) -> dict[str, Any]:
    return {
        "confusion": examination.confusion,
        "curves": examination.curves,
        "objects": examination.objects,
        "images": examination.images,
    }


def _save_wall(wall: list[Seen], folder: Path) -> None:
    arrays = {f"{kind}_{i}": values for i, seen in enumerate(wall) for kind, values in seen.picture.items()}
    names = np.array([seen.name for seen in wall])
    scores = np.array([seen.score.iou for seen in wall], dtype=np.float32)
    _write_arrays(folder / "wall.npz", arrays | {"names": names, "scores": scores})


def _save_augmented(task: SegmentationTask, folder: Path) -> None:
    """Some training images as they are and as augmentation shows them; those with the most foreground say most."""
    masks = list(task.data.masks("train"))
    background = task.data.background
    order = sorted(range(len(masks)), key=lambda i: float((masks[i] == background).mean()))
    arrays, names = {}, []
    for i, index in enumerate(order[:AUGMENTED]):
        arrays[f"original_{i}"], arrays[f"original_mask_{i}"] = task.data.raw("train", index)
        names.append(task.data.splits["train"][index].name)
        for j in range(VERSIONS):
            image, mask = task.data.augmented(index, epoch=j, seed=task.seed)
            arrays[f"augmented_{i}_{j}"], arrays[f"augmented_mask_{i}_{j}"] = image, mask
    _write_arrays(folder / "augmented.npz", arrays | {"names": np.array(names)})


def _write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    with written_aside(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **arrays)


def _write_json(path: Path, content: Any) -> None:
    """Write JSON, with null for what is not a number."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(_plain(content), indent=1, allow_nan=False), "utf-8")


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
