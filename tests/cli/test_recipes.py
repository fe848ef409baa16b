"""`piste recipes`: what is built in, and where to start from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from piste.training.recipe import Recipe, builtin_recipes
from tests.cli.conftest import Said

Piste = Callable[..., Said]


def test_every_recipe_is_listed_with_its_task(piste: Piste) -> None:
    lines = {line.split()[0]: line.split()[1] for line in piste("recipes").out.splitlines()[1:] if line[:1].strip()}
    assert lines == {name: yaml.safe_load(text)["task"] for name, text in builtin_recipes().items()}


@pytest.mark.parametrize("name", builtin_recipes())
def test_a_recipe_says_in_its_first_line_what_it_trains_and_is_printed_as_it_is(piste: Piste, name: str) -> None:
    text = piste("recipes", name).out
    assert text == builtin_recipes()[name]
    assert text.startswith("# ")
    assert Recipe.parse(yaml.safe_load(text)).task


def test_an_unknown_recipe_is_answered_with_the_nearest(piste: Piste, tmp_path: Path) -> None:
    said = piste("recipes", "laks")
    assert said.code == 2
    assert "no recipe is called 'laks'; nearest: lakes" in said.err
