"""Filling a template: the page appears whole or not at all."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import piste
from piste.report.palette import css_variables


def write_page(path: Path, template: str, **content: Any) -> Path:
    """Fill a template of this folder; the page appears whole or not at all."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(
        version=piste.__version__,
        written=datetime.now().astimezone(),
        light=css_variables(dark=False),
        dark=css_variables(dark=True),
        **content,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    try:
        aside.write_text(text, "utf-8")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path
