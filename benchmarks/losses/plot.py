"""The plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .verdict import Figures


def draw(families: Mapping[str, Sequence[Figures]], file: Path) -> None:
    """Soon."""
