"""A run: a recipe carried out in a folder of its own, from the first check to the last picture."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from piste.losses import check, spec_of
from piste.losses.base import Loss
from piste.objective import Objective
from piste.objective.terms import Term
from piste.tasks.base import Batch, Examined, Task
from piste.training import processes
from piste.training.aside import write_arrays, write_json, written_aside
from piste.training.checkpoint import Checkpoints, read_checkpoint
from piste.training.device import prepared, start_accelerator
from piste.training.discriminator import check_players
from piste.training.events import Sink
from piste.training.loop import Outcome, train
from piste.training.recipe import Recipe

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
    task = recipe.open()
    resolved = recipe.resolved(task)
    start_accelerator(recipe)
    check_players(task.discriminator(), task.objective(), resolved)
    _check_first_batch(task, resolved)
    if processes.is_main():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        text = resolved.to_yaml()
        with written_aside(folder / "recipe.yaml") as aside:
            aside.write_text(text, "utf-8")
        echo(text)
    processes.wait()
    _carry_out(task, resolved, folder, sinks, resume=False)


def resume_run(folder: Path, *, sinks: tuple[Sink, ...] = (), echo: Echo = print) -> None:
    """Go on with a run from its last good checkpoint, or from the start where it has none.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the run is finished, or its recipe or checkpoints are damaged.
    """
    recipe = recipe_of_run(folder)
    start_accelerator(recipe)
    if (folder / "summary.json").is_file():
        raise ValueError(f"run {folder.name} is finished; there is nothing to resume")
    if processes.is_main():
        echo(f"Resuming {folder.name}")
    _carry_out(recipe.open(), recipe, folder, sinks, resume=True)


def recipe_of_run(folder: Path) -> Recipe:
    """The resolved recipe that a run keeps.

    Raises:
        FileNotFoundError: the folder is no run.
        ValueError: the recipe is damaged.
    """
    file = folder / "recipe.yaml"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} is no run: it holds no recipe.yaml")
    return Recipe.parse(yaml.safe_load(file.read_text("utf-8")), str(file))


def task_of_run(folder: Path) -> tuple[Recipe, Task]:
    """The recipe that a run keeps, and its task, for those who use its model.

    Raises:
        FileNotFoundError: the folder is no run, or its data are gone.
        ValueError: the recipe is damaged, or the data are others by now.
    """
    recipe = recipe_of_run(folder)
    try:
        return recipe, recipe.open()
    except FileNotFoundError as error:
        cure = f"put them back, or set data.path in {folder / 'recipe.yaml'} to where they are"
        raise FileNotFoundError(f"{error}; a run's data say what its model tells apart: {cure}") from error


def best_model(task: Task, folder: Path) -> nn.Module:
    """The model of a run's best epoch, on the CPU.

    Raises:
        ValueError: no epoch was the best, or the checkpoint is damaged.
    """
    best = Checkpoints(folder / "checkpoints").best
    if not best.exists():
        raise ValueError(
            f"run {folder.name}: the metric that chooses the best epoch never had a finite value on the validation"
            " images, so there is none; choose another metric for `best`"
        )
    model = task.model()
    model.load_state_dict(read_checkpoint(best)["model"])
    return model


def _carry_out(task: Task, recipe: Recipe, folder: Path, sinks: tuple[Sink, ...], *, resume: bool) -> None:
    first = processes.is_main() and not (folder / "augmented.npz").exists()
    if first and (augmented := task.augmented()):
        write_arrays(folder / "augmented.npz", augmented)
    outcome = train(task, recipe, folder, sinks=sinks, resume=resume)
    if processes.part():
        _save_results(task, recipe, folder, outcome)


def _check_first_batch(task: Task, recipe: Recipe) -> None:
    """Let every loss of the catalogue look at the values of a real batch, which they don't do while training."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(recipe.seed)
        model, objective = task.model().train(), task.objective()
        batches = task.loader("train", train=True, workers=0, batch_size=recipe.batch_size)
        for batch in islice(batches, 1):
            _check_losses(objective, task.forward(model, batch))


def _check_losses(objective: Objective, output: Batch) -> None:
    for term in (module for module in objective.modules() if isinstance(module, Term)):
        for loss in term.modules():
            if isinstance(loss, Loss) and spec_of(loss).family != "adversarial":
                prediction, target, call = term.inputs(output.prediction, output.asked, output.mask)
                try:
                    check(loss, prediction, target, **call)
                except ValueError as error:
                    raise ValueError(f"{spec_of(loss).name} on the first batch: {error}") from error


def _save_results(task: Task, recipe: Recipe, folder: Path, outcome: Outcome) -> None:
    """Examine the best epoch's model, and keep what the report shows; the summary is written last."""
    accelerator = start_accelerator(recipe)
    model = accelerator.prepare_model(best_model(task, folder), evaluation_mode=True)

    def examined(split: str, before: Examined | None = None) -> Examined | None:
        if split not in task.splits:
            return None
        loader = task.loader(split, train=False, workers=recipe.workers, batch_size=recipe.batch_size)
        batches: Iterable[Any] = prepared(loader, accelerator)
        return task.examine(model, split, batches, before)

    val = examined("val")
    assert val is not None, "every task has a validation split"
    test = examined("test", val)
    _save_wall(val, folder)
    write_json(folder / "evaluation.json", {"val": _told(val), "test": test and _told(test)})
    summary = {
        "name": folder.name,
        "task": recipe.task,
        **outcome._asdict(),
        **task.metric_facts(),
        **task.facts(),
        "weights": _weights(task),
        "story": {"val": val.story, "test": test and test.story},
        "val": val.scores,
        "test": test and test.scores,
        "thresholds": {"default": 0.5, "best": val.kept["thresholds"]} if "thresholds" in val.kept else {},
    }
    write_json(folder / "summary.json", summary)


def _weights(task: Task) -> dict[str, list[float]]:
    """The class weights of each loss that has some, by the loss's name; a second set of one loss gets a number."""
    found: dict[str, list[float]] = {}
    for loss in task.objective().modules():
        weight = getattr(loss, "weight", None) if isinstance(loss, Loss) else None
        if isinstance(weight, torch.Tensor) and list(weight) not in found.values():
            name = spec_of(loss).name
            found[name if name not in found else f"{name}_{len(found) + 1}"] = [float(w) for w in weight]
    return found


def _told(examined: Examined) -> dict[str, Any]:
    """What evaluation.json holds of a split; `images` is what segmentation's samples have always been called."""
    samples = "images" if examined.masks else "samples"
    return {"figures": list(examined.figures), samples: list(examined.samples), **examined.further}


def _save_wall(val: Examined, folder: Path) -> None:
    arrays: dict[str, Any] = {
        "names": [shown.name for shown in val.wall],
        "scores": torch.tensor([shown.score for shown in val.wall], dtype=torch.float32).numpy(),
    }
    if val.masks:
        arrays |= {f"{kind}_{i}": pixels for i, shown in enumerate(val.wall) for kind, pixels in shown.panels.items()}
    elif val.wall:
        arrays |= {"notes": [shown.note for shown in val.wall], "panel_names": list(val.wall[0].panels)}
        arrays |= {
            f"panel_{i}_{j}": pixels
            for i, shown in enumerate(val.wall)
            for j, pixels in enumerate(shown.panels.values())
        }
    write_arrays(folder / "wall.npz", arrays)
