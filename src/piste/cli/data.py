"""`piste data check`, and how a data set is named on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from piste.data.recipe import SegmentationDataRecipe

app = typer.Typer(help="Look at a data set before training on it.", no_args_is_help=True, rich_markup_mode=None)

DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="A folder with images/ and masks/, a recipe file, or lakes.")
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

    from piste.data.check import check_folder
    from piste.data.segmentation import open_segmentation
    from piste.data.summary import summarise

    recipe = data_recipe(data, classes)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with console.status(f"Reading {recipe.path}"):
        problems = check_folder(recipe)
    for problem in problems:
        console.print(f"{problem}")
    if problems:
        raise ValueError(f"{recipe.path}: {len(problems)} problem{'s' * (len(problems) > 1)}, listed above")
    summary = summarise(open_segmentation(recipe))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("split")
    for column in ("images", "smallest", "largest"):
        table.add_column(column, justify="right")
    for name in summary.class_names:
        table.add_column(f"{name} pixels", justify="right")
        table.add_column("images with", justify="right")
    for split, held in summary.splits.items():
        row = [split, str(held.images), "x".join(map(str, held.smallest)), "x".join(map(str, held.largest))]
        for index in range(len(summary.class_names)):
            row += [f"{held.counts.pixels[index] / max(held.counts.total, 1):.2%}", str(held.counts.images[index])]
        table.add_row(*row)
    console.print(table)
    console.print("\nNothing wrong was found.")


def data_recipe(data: str, classes: str | None = None) -> "SegmentationDataRecipe":
    """The data section that a folder, a recipe file or a built-in name stands for."""
    from piste.data.recipe import SegmentationDataRecipe
    from piste.training.recipe import load_recipe, parse_section

    if Path(data).suffix in (".yaml", ".yml"):
        if classes is not None:
            raise ValueError("`--classes` goes with a folder; a recipe says its classes itself")
        return load_recipe(data).data
    return parse_section(
        SegmentationDataRecipe, {"path": data, "classes": None if classes is None else _read_classes(classes)}
    )


def _read_classes(text: str) -> dict[str, int]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name.strip() and value.strip().isdigit() for name, _, value in pairs):
        raise ValueError(f"`--classes` takes name=value pairs, such as background=0,lake=255; got {text!r}")
    return {name.strip(): int(value) for name, _, value in pairs}
