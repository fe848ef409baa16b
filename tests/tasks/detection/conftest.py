"""Squares to find."""

from pathlib import Path

import pytest

from tests.tasks.detection.squares import draw_squares


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight training images, four to validate, two to test; nobody writes to them."""
    return draw_squares(tmp_path_factory.mktemp("squares") / "squares")
