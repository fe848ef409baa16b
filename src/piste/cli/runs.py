"""`piste runs`, `piste compare` and `piste report`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from piste.cli.options import RUNS, RunsFolder, find_run


def runs(runs: RunsFolder = RUNS) -> None:
    """List the runs, newest first."""
    from rich.console import Console
    from rich.table import Table

    from piste.report.runs import listed

    found = sorted(runs.glob("*/recipe.yaml"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not found:
        typer.echo(f"No runs in {runs}; `piste run lakes` makes one.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "task", "status", "epoch", "best", "at epoch"):
        table.add_column(column, justify="left" if column in ("run", "task", "status") else "right")
    for recipe in found:
        run = listed(recipe.parent)
        table.add_row(run.name, run.task, run.status, str(run.epoch), run.best, run.best_epoch)
    Console().print(table)


def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Two runs or more.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the comparison page.")] = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Put runs of one task side by side: recipes, metrics, pictures.

    Values of different losses are never ranked: a loss is a means, the metrics are the end.
    """
    if len(names) < 2:
        raise ValueError(f"`piste compare` needs two runs or more; got {names[0]}")
    show_comparison([find_run(name, runs) for name in names], runs, out)


def report(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    runs: RunsFolder = RUNS,
) -> None:
    """Write a run's page and figures anew.

    Works on a run that is still going or that failed, with what is there.
    """
    from piste.report.page import write_report

    typer.echo(f"Report: {write_report(find_run(run, runs))}")


def show_comparison(folders: Sequence[Path], runs: Path, out: Path | None = None) -> None:
    """Print the comparison table of some runs, and write their page."""
    from rich.console import Console
    from rich.table import Table

    from piste.report.comparison import write_comparison
    from piste.report.tables import comparison_rows

    rows = comparison_rows(folders)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for folder in folders:
        table.add_column(folder.name, justify="right")
    for row in rows:
        table.add_row(row.label, *row.texts, style="bold" if row.heading else None)
    Console().print(table)
    typer.echo(
        f"\nComparison: {write_comparison(folders, out or runs / 'comparisons' / '-vs-'.join(f.name for f in folders))}"
    )
