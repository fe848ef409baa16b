"""`piste data check`, and how a data set is named on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from piste.training.recipe import Recipe

app = typer.Typer(help="Look at a data set before training on it.", no_args_is_help=True, rich_markup_mode=None)

DataArgument = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A recipe, for any task; or a folder with images/ and masks/, or lakes."),
]
Classes = Annotated[
    str | None,
    typer.Option(metavar="NAME=VALUE,...", help="Values of the classes in the masks, such as background=0,lake=255."),
]


@app.callback()
def _group() -> None:
    """Look at a data set before training on it."""


@app.command()
def check(data: DataArgument, classes: Classes = None) -> None:
    """Read every file and report all that is wrong, at once; then say what the data set holds.

    Finds missing folders, images without mask, masks without image, sizes that differ, broken files, values that no
    class has, splits that are empty, leak or lack a class.
    """
    from rich.console import Console
    from rich.table import Table

    from piste.tasks.base import task_class

    recipe = data_recipe(data, classes)
    section = recipe.section("data")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with console.status(f"Reading {section.path}"):
        problems = task_class(recipe.task).problems(section)
    for problem in problems:
        console.print(f"{problem}")
    if problems:
        raise ValueError(f"{section.path}: {len(problems)} problem{'s' * (len(problems) > 1)}, listed above")
    rows = recipe.open().overview()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        table.add_column(column, justify="left" if column == "split" else "right")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    console.print("\nNothing wrong was found.")


def data_recipe(data: str, classes: str | None = None) -> "Recipe":
    """The recipe that a file or a built-in name stands for; a bare folder is one of images and masks."""
    from piste.training.recipe import Recipe, builtin_recipes, load_recipe

    if Path(data).suffix in (".yaml", ".yml") or (data in builtin_recipes() and not Path(data).is_dir()):
        if classes is not None and Path(data).suffix:
            raise ValueError("`--classes` goes with a folder; a recipe says its classes itself")
        return load_recipe(data)
    section = {"path": data, "classes": None if classes is None else _read_classes(classes)}
    return Recipe.parse({"task": "segmentation", "data": section, "loss": "cross_entropy"}, data)


def _read_classes(text: str) -> dict[str, int]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name.strip() and value.strip().isdigit() for name, _, value in pairs):
        raise ValueError(f"`--classes` takes name=value pairs, such as background=0,lake=255; got {text!r}")
    return {name.strip(): int(value) for name, _, value in pairs}
