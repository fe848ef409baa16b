"""The options that several commands share, and how a run is found by name."""

from pathlib import Path
from typing import Annotated

import typer

RunsFolder = Annotated[
    Path, typer.Option("--runs", envvar="PISTE_RUNS", help="The folder that holds the runs.", show_default=True)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one key of the recipe, such as epochs=12, model.encoder=resnet34 or"
        " loss.sequence[0].cycle.times=1; may be given often, and is checked like the recipe itself.",
    ),
]
RUNS = Path("runs")


def find_run(name: str, runs: Path) -> Path:
    """The folder of a run given by name or by path.

    Raises:
        FileNotFoundError: there is no such run; names the nearest ones.
    """
    from piste.names import nearest

    for candidate in (runs / name, Path(name)):
        if (candidate / "recipe.yaml").is_file():
            return candidate
    if (runs / name).is_dir() or Path(name).is_dir():
        raise FileNotFoundError(f"{name} is no run: it holds no recipe.yaml; `piste runs` lists the runs in {runs}")
    known = [path.parent.name for path in runs.glob("*/recipe.yaml")]
    raise FileNotFoundError(f"no run {name!r} in {runs}; {nearest(name, known)}")
