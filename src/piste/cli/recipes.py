"""`piste recipes`."""

from itertools import takewhile
from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="One recipe, such as lakes: its text, to start from.")] = None,
) -> None:
    """List the built-in recipes, or print one.

    `piste recipes lakes > mine.yaml` is a start; `piste run mine.yaml` trains it.
    """
    import yaml
    from rich.console import Console
    from rich.table import Table

    from piste.names import nearest
    from piste.training.recipe import builtin_recipes

    known = builtin_recipes()
    if name is not None:
        if name not in known:
            raise ValueError(f"no recipe is called {name!r}; {nearest(name, known)}")
        typer.echo(known[name], nl=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("recipe", "task", "what it trains"):
        table.add_column(column, no_wrap=column != "what it trains")
    for each, text in known.items():
        table.add_row(each, yaml.safe_load(text)["task"], _first_sentence(text))
    Console(highlight=False).print(table)


def _first_sentence(text: str) -> str:
    """What the comment at a recipe's beginning says first."""
    lines = [line.removeprefix("#").strip() for line in takewhile(lambda line: line[:1] == "#", text.splitlines())]
    return " ".join(lines).partition(". ")[0].rstrip(".")
