"""`piste schema`."""

from pathlib import Path
from typing import Annotated

import typer


def schema(
    task: Annotated[str | None, typer.Option(help="Of one task's recipes alone, such as segmentation.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file to write instead of the terminal.")] = None,
) -> None:
    """Print the JSON Schema of recipes, by which editors complete and check them.

    With `piste schema --out piste.schema.json`, begin a recipe with
    `# yaml-language-server: $schema=piste.schema.json`.
    """
    import json

    from piste.training.aside import written_aside
    from piste.training.schema import recipe_schema

    text = json.dumps(recipe_schema(task), indent=1, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    with written_aside(out) as aside:
        aside.write_text(text + "\n", "utf-8")
    typer.echo(f"Schema: {out}")
