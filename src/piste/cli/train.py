"""`piste run`, `piste resume` and `piste demo`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piste.cli.options import RUNS, Overrides, RunsFolder, find_run

if TYPE_CHECKING:
    from piste.training.recipe import Recipe


def run(
    recipe: Annotated[
        str, typer.Argument(help="A recipe file (.yaml), or the name of a built-in one; `piste recipes` lists them.")
    ],
    overrides: Overrides = None,
    name: Annotated[str | None, typer.Option(help="The run's name; by default the recipe's, numbered.")] = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Train a recipe and write its report.

    Prints the resolved recipe, every default filled in, before the first step; shows the loss, its terms and the
    phase while it trains; keeps everything in runs/NAME.

    Several processes share each batch: `torchrun --nproc-per-node 2 -m piste run lakes`, or `accelerate launch`.
    """
    from piste.training import processes
    from piste.training.device import start_accelerator
    from piste.training.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    start_accelerator(loaded)
    _train(loaded, processes.agree(_new_folder(runs, Path(recipe).stem, name)))


def resume(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    runs: RunsFolder = RUNS,
) -> None:
    """Go on with a run from its last good checkpoint.

    A run killed at any moment ends with the same metrics as one that was not (on the CPU, with as many threads).
    """
    from piste.training.progress import ProgressBars
    from piste.training.run import resume_run

    folder = find_run(run, runs)
    with ProgressBars() as bars:
        resume_run(folder, sinks=(bars,), echo=typer.echo)
    _finish(folder)


def demo(
    epochs: Annotated[int | None, typer.Option(help="The budget of each of the two runs.", min=1)] = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Train with cross-entropy and with a cycle; compare.

    Same seed, same budget, same model; only the loss differs. Under four minutes on two cores.
    """
    from piste.cli.runs import show_comparison
    from piste.training.recipe import load_recipe

    budget = [] if epochs is None else [f"epochs={epochs}"]
    folders = []
    for loss, overrides in (("cross-entropy", ["loss=cross_entropy"]), ("cycle", [])):
        folder = _new_folder(runs, f"demo-{loss}", None)
        _train(load_recipe("lakes", [*overrides, *budget]), folder)
        folders.append(folder)
    show_comparison(folders, runs)


def _train(recipe: "Recipe", folder: Path) -> None:
    from piste.training.progress import ProgressBars
    from piste.training.run import start_run

    with ProgressBars() as bars:
        start_run(recipe, folder, sinks=(bars,), echo=typer.echo)
    _finish(folder)


def _finish(folder: Path) -> None:
    from piste.report.page import write_report
    from piste.training import processes

    if processes.is_main():
        typer.echo(f"Report: {write_report(folder)}")


def _new_folder(runs: Path, stem: str, name: str | None) -> Path:
    """The folder of a run to come; nothing is made yet."""
    if name is not None:
        if name != Path(name).name or name in ("", ".", ".."):
            raise ValueError(f"`--name` is a folder's name, without slashes; got {name!r}")
        if (runs / name).exists():
            raise FileExistsError(
                f"run {name!r} exists in {runs}; choose another name, `piste resume {name}`, or delete its folder"
            )
        return runs / name
    count = 1
    while (folder := runs / (stem if count == 1 else f"{stem}-{count}")).exists():
        count += 1
    return folder
