"""What the README shows, and the commands in the docs, are what there is."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from piste.cli.app import app
from piste.losses import catalogue
from piste.metrics.names import metric_names
from piste.models.segmentation import check_model
from piste.objective.recipe import resolve
from piste.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCS = [page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = [
    line.split("#")[0] for text in (README, *DOCS) for line in re.findall(r"^    (piste .*)$", text, re.MULTILINE)
]


def test_the_bare_loop_is_the_example_that_is_run() -> None:
    assert f"```python\n{(ROOT / 'examples' / 'bare_loop.py').read_text('utf-8')}```" in README


def test_the_recipe_is_one() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    recipe = Recipe.parse(yaml.safe_load(text))
    check_model(recipe.model)
    names = list(recipe.data.classes or ())
    metrics = metric_names(names, 0)
    recipe.check_metrics(metrics)
    assert resolve(recipe.loss, task=recipe.task, activation="softmax", class_names=names, metrics=metrics)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_exist(line: str) -> None:
    _, name, *rest = shlex.split(line)
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands[name]
    if isinstance(command, TyperGroup):
        command = command.commands[rest.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= options


def test_every_loss_is_listed() -> None:
    assert set(re.findall(r"`(\w+)`", README.split("## What is in it")[1])) >= {
        s.cls.__name__ for s in catalogue().values()
    }


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
