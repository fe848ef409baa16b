"""`piste export`."""

from pathlib import Path
from typing import Annotated

import typer

from piste.cli.options import RUNS, RunsFolder, find_run


def export(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, for any runtime.")] = False,
    torch: Annotated[bool, typer.Option("--torch", help="As a program that torch.export.load reads.")] = False,
    script: Annotated[bool, typer.Option("--script", help="As one file of plain PyTorch that trains it.")] = False,
    out: Annotated[Path | None, typer.Option(help="The file; by default in the folder of the run.")] = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Write a run's best model for others to run, or the run itself as a script, without Piste.

    Normalisation and probabilities are inside a model: images in 0 … 1 come in, answers go out. A script trains the
    same model on the same data with the same losses, step by step.
    """
    chosen = [name for name, wanted in (("onnx", onnx), ("torch", torch), ("script", script)) if wanted]
    if len(chosen) != 1:
        came = " and ".join(chosen) or "none of them"
        raise ValueError(f"`piste export` takes one of --onnx, --torch and --script; got {came}")
    from rich.console import Console

    folder = find_run(run, runs)
    file = out or folder / ("train.py" if script else "model.onnx" if onnx else "model.pt2")
    if script:
        from piste.training.script import export_script

        with Console().status(f"Writing {folder.name} as a script"):
            export_script(folder, file)
        typer.echo(f"Script: {file}\n  `python {file}` prints a JSON line a step")
        return
    from piste.training.export import export_onnx, export_torch

    with Console().status(f"Exporting {folder.name}"):
        exported = (export_onnx if onnx else export_torch)(folder, file)
    typer.echo(f"Model: {file}\n  takes {exported.takes}\n  gives {exported.gives}")
