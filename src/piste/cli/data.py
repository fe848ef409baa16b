"""`piste data check`."""

from typing import Annotated

import typer

app = typer.Typer(help="Look at a data set before training on it.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Look at a data set before training on it."""
