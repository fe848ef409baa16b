"""The schema of recipes: what it lets through, what it refuses, and that it says what the code says."""

from math import inf, isinf, nextafter
from typing import Any

import jsonschema
import pytest
import yaml

from piste.losses import catalogue
from piste.losses.rules import rules_of
from piste.objective.recipe.schema import suiting
from piste.tasks.base import task_names
from piste.training.recipe import builtin_recipes
from piste.training.schema import recipe_schema

VALIDATOR = jsonschema.Draft202012Validator(recipe_schema())
RECIPE = {"task": "segmentation", "data": {"path": "lakes"}, "loss": "dice"}
CYCLE = {
    "cycle": {"times": 2, "phases": [{"loss": "dice", "until": "recall >= 0.3", "at_most": 4}, {"loss": "lovasz"}]}
}


def fits(**changes: Any) -> bool:
    return bool(VALIDATOR.is_valid(RECIPE | changes))


def test_it_is_a_schema() -> None:
    VALIDATOR.check_schema(recipe_schema())
    assert [entry["const"] for entry in recipe_schema()["properties"]["task"]["oneOf"]] == task_names()


@pytest.mark.parametrize("name", builtin_recipes())
def test_every_built_in_recipe_fits(name: str) -> None:
    assert not list(VALIDATOR.iter_errors(yaml.safe_load(builtin_recipes()[name])))


@pytest.mark.parametrize(
    "loss",
    [
        {"cross_entropy": {"weight": "inverse"}},
        {"cross_entropy": {"weight": {"method": "inverse", "power": 0.75}}},
        {"cross_entropy": {"weight": {"lake": 3, "background": 1}}},
        {"cross_entropy": None},
        {"focal": {"gamma": {"ramp": {"from": 0, "to": 2, "epochs": 10}}}},
        {"custom": "my_loss.py:my_loss"},
        {"sum": ["cross_entropy", {"dice": {}, "scale": 0.5, "name": "overlap"}, {"watch": "jaccard"}]},
        {"sum": ["cross_entropy", "dice"], "weighting": {"uncertainty": {}}},
        {"sequence": [{"loss": "dice", "epochs": 5}, CYCLE, "jaccard"]},
        {"hard_mining": {"keep": 0.25, "loss": {"focal": {"gamma": 1}}}},
        CYCLE,
    ],
)
def test_the_grammar_of_losses_fits(loss: Any) -> None:
    assert fits(loss=loss)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "ctc"},
        {"loss": {"dice": {"smoth": 1}}},
        {"loss": {"dice": {"activation": "softmax"}}},
        {"loss": {"dice": {}, "jaccard": {}}},
        {"loss": {"dice": {}, "scale": 0}},
        {"loss": {"sum": []}},
        {"loss": {"cycle": {"phases": ["dice"]}}},
        {"loss": {"cross_entropy": {"weight": "invers"}}},
        {"epochs": 0},
        {"epoch": 3},
        {"data": {}},
        {"data": {"path": "lakes", "augment": ["rotat"]}},
        {"data": {"path": "lakes", "augment": [{"rotate": {"degree": 3}}]}},
        {"optimizer": "adamm"},
        {"optimizer": {"adamw": {"lr": 0}}},
        {"task": "segmentaton"},
    ],
)
def test_what_a_recipe_refuses_the_schema_refuses(changes: dict[str, Any]) -> None:
    assert not fits(**changes)


@pytest.mark.parametrize("task", task_names())
def test_a_task_has_its_losses_and_no_others(task: str) -> None:
    assert suiting(task)
    defined = recipe_schema(task)["$defs"]
    named = {name.removeprefix(f"{task}.loss_") for name in defined if name.startswith(f"{task}.loss_")}
    assert named <= set(suiting(task))


NUMBERS = [
    (spec.name, name, rule)
    for spec in catalogue().values()
    for name, rule in rules_of(spec).items()
    if rule.kind == "number" and "segmentation" in spec.tasks
]


@pytest.mark.parametrize(("loss", "name", "rule"), NUMBERS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_keyword_ends_in_the_schema_where_it_ends_in_the_loss(loss: str, name: str, rule: Any) -> None:
    ends = [(rule.low if rule.above is None else rule.above, -inf), (rule.high, inf)]
    for end, beyond in ends:
        if not isinf(end):
            outside = nextafter(end, beyond) - (1e-9 if beyond < 0 else -1e-9)
            assert not fits(loss={loss: {name: outside}})
            with pytest.raises(ValueError, match=name):
                catalogue()[loss].build(**{name: outside})


def test_there_are_ranges_to_hold_it_to() -> None:
    assert len(NUMBERS) > 15
    assert ("focal", "gamma") in [(loss, name) for loss, name, _ in NUMBERS]
