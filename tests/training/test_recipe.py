"""Recipes: what is read, what is refused and in which words, and overrides."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from piste.tasks.base import task_names
from piste.training.recipe import Recipe, builtin_recipes, load_recipe

SMALLEST = {"task": "segmentation", "data": {"path": "lakes"}, "loss": "cross_entropy"}


def test_every_built_in_recipe_is_one() -> None:
    for name in builtin_recipes():
        assert load_recipe(name).task in task_names()


def test_a_recipe_survives_its_own_yaml() -> None:
    recipe = load_recipe("lakes")
    again = Recipe.parse(yaml.safe_load(recipe.to_yaml()))
    assert again == recipe
    assert again.to_yaml() == recipe.to_yaml()


def test_overrides_reach_any_place() -> None:
    recipe = load_recipe(
        "lakes",
        [
            "model.encoder=resnet34",
            "loss.sequence[0].cycle.phases[1].lr=0.05",
            "optimizer.adamw.lr=0.1",
            "data.cache=false",
        ],
    )
    assert recipe.model.encoder == "resnet34"
    assert isinstance(recipe.loss, dict)
    assert recipe.loss["sequence"][0]["cycle"]["phases"][1]["lr"] == 0.05
    assert recipe.optimizer.model_dump()["lr"] == 0.1
    assert recipe.data.cache is False


def test_a_setting_of_a_bare_name_makes_it_a_mapping() -> None:
    assert load_recipe("lakes", ["scheduler=cosine", "scheduler.cosine.warmup=2"]).scheduler.warmup == 2


def test_paths_are_taken_from_the_recipes_folder(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(SMALLEST | {"data": {"path": "tiles"}}))
    assert load_recipe(str(file)).data.path == str(tmp_path / "tiles")
    assert load_recipe(str(file), ["data.path=elsewhere"]).data.path == str(Path("elsewhere").absolute())
    file.write_text(yaml.safe_dump(SMALLEST | {"loss": {"sum": ["dice", {"custom": "mine.py:loss", "scale": 0.5}]}}))
    loss = load_recipe(str(file)).loss
    assert isinstance(loss, dict)
    assert loss["sum"][1]["custom"] == f"{tmp_path / 'mine.py'}:loss"


def test_weights_of_a_loss_s_network_are_sought_beside_the_recipe(tmp_path):
    file = tmp_path / "mine.yaml"
    losses = [{"perceptual": {"weights": "vgg.pth"}}, {"style": {"weights": "random"}}]
    recipe = {"task": "restoration", "data": {"path": "lakes"}, "loss": {"sum": losses}}
    file.write_text(yaml.safe_dump(recipe))
    first, second = load_recipe(str(file)).loss["sum"]
    assert first["perceptual"]["weights"] == str(tmp_path / "vgg.pth")
    assert second["style"]["weights"] == "random"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": 3}, "`epoch` is no key of a recipe; nearest: epochs"),
        ({"model": {"encodr": "resnet18"}}, r"`model.encodr` is no key of a recipe; nearest: encoder"),
        ({"data": {"path": "lakes", "augmnt": []}}, r"`data.augmnt` is no key of a recipe; nearest: augment"),
        ({"data": None}, "`data`"),
        ({"epochs": 0}, "`epochs`.*greater than or equal to 1; got 0"),
        ({"epochs": "many"}, "`epochs`.*got 'many'"),
        ({"task": "segmentaton"}, "`task`: no task is called 'segmentaton'; nearest: segmentation"),
        ({"optimizer": "adamm"}, "nearest: adam"),
        ({"optimizer": {"sgd": {"momentm": 0.9}}}, "momentum"),
        ({"scheduler": {"cosine": {"gamma": 0.1}}}, "gamma"),
        ({"precision": "fp8"}, "`precision`"),
    ],
)
def test_mistakes_are_named_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Recipe.parse(SMALLEST | changes)
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="`loss` is missing; `data` is missing"):
        Recipe.parse({"task": "segmentation"})


def test_a_name_that_is_nothing_names_the_built_in_recipes() -> None:
    with pytest.raises(FileNotFoundError, match=r"built in: .*lakes"):
        load_recipe("lake")


@pytest.mark.parametrize("assignment", ["epochs", "=3", "loss.sequence[9].lr=1", "epochs.deep=1"])
def test_overrides_that_fit_nowhere_are_refused(assignment: str) -> None:
    with pytest.raises(ValueError):
        load_recipe("lakes", [assignment])


def test_text_that_is_not_yaml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("task: segmentation\ndata: {path: lakes\n")
    with pytest.raises(ValueError, match=r"broken.yaml, line 3: not YAML"):
        load_recipe(str(file))
    file.write_text("just words")
    with pytest.raises(ValueError, match="a recipe is a mapping"):
        load_recipe(str(file))
