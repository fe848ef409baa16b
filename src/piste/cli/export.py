"""`piste export`."""

from pathlib import Path
from typing import Annotated

import typer

from piste.cli.options import RUNS, RunsFolder, find_run


def export(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, for any runtime.")] = False,
    torch: Annotated[bool, typer.Option("--torch", help="As a program that torch.export.load reads.")] = False,
    out: Annotated[Path | None, typer.Option(help="The file; by default in the folder of the run.")] = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Write a run's best model for others to run, without Piste.

    Normalisation and probabilities are inside: images in 0 … 1 come in, answers go out.
    """
    chosen = [name for name, wanted in (("onnx", onnx), ("torch", torch)) if wanted]
    if len(chosen) != 1:
        raise ValueError(f"`piste export` takes one of --onnx and --torch; got {' and '.join(chosen) or 'neither'}")
    from rich.console import Console

    from piste.training.export import export_onnx, export_torch

    folder = find_run(run, runs)
    file = out or folder / ("model.onnx" if onnx else "model.pt2")
    with Console().status(f"Exporting {folder.name}"):
        exported = (export_onnx if onnx else export_torch)(folder, file)
    typer.echo(f"Model: {file}\n  takes {exported.takes}\n  gives {exported.gives}")
