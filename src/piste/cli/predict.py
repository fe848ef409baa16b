"""`piste predict`."""

from pathlib import Path
from typing import Annotated

import typer

from piste.cli.options import RUNS, RunsFolder, find_run


def predict(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Image files, or folders of them.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("predictions"),
    runs: RunsFolder = RUNS,
) -> None:
    """Write what a run's best model says of images.

    predictions.jsonl gets a line an image; pictures, such as masks, stand beside it under the image's name.
    """
    from rich.progress import track

    from piste.training.predict import LINES, image_files, predict_files

    folder, files = find_run(run, runs), image_files(images)
    problems = predict_files(folder, files, out, watch=lambda each: track(each, "Predicting", transient=True))
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)
    typer.echo(f"{len(files) - len(problems)} of {len(files)} images: {out / LINES}")
    if problems:
        raise typer.Exit(1)
