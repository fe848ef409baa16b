"""The data section of restoration is checked, and written so that it reads the same again."""

import pytest
import yaml
from pydantic import ValidationError

from piste.data.restoration.recipe import RestorationDataRecipe

FULL = {
    "path": "somewhere",
    "split": {"ratio": [0.6, 0.2, 0.2], "seed": 3},
    "degrade": [
        {"blur": {"sigma": [0.5, 1.5]}},
        {"downscale": {"factor": 2, "kernel": "area"}},
        {"noise": {"sigma": 0.05}},
        {"jpeg": {"quality": [30, 70]}},
    ],
    "scale": 2,
    "augment": ["horizontal_flip", {"crop": {"height": 64, "width": 48}}, "colour_jitter"],
    "window": [0, 4095],
    "cache": False,
}


@pytest.mark.parametrize("document", [FULL, {"path": "x"}])
def test_what_is_written_as_yaml_reads_the_same(document):
    recipe = RestorationDataRecipe.model_validate(document)
    again = RestorationDataRecipe.model_validate(yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json"))))
    assert again == recipe
    assert again.resolved() == recipe


def test_a_number_is_written_as_a_number_and_a_range_as_a_range():
    written = RestorationDataRecipe.model_validate(FULL).model_dump(mode="json")["degrade"]
    assert written == FULL["degrade"]


def test_the_schema_knows_each_degradation_and_its_ranges():
    schema = RestorationDataRecipe.model_json_schema()
    names, settings = schema["properties"]["degrade"]["items"]["anyOf"]
    assert names["enum"] == ["downscale", "blur", "noise", "jpeg"] == list(settings["properties"])
    number, pair = settings["properties"]["jpeg"]["properties"]["quality"]["anyOf"]
    assert (number["minimum"], number["maximum"], pair["items"]) == (1, 100, number)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 3}, "scale is what degrade makes it, 2; got 3; leave it out"),
        (
            {"degrade": [{"downscale": {"factor": 4}}, {"downscale": {"factor": 4}}]},
            "scale images down by 8 in all; got 16",
        ),
        ({"augment": ["rotate"]}, "rotate does not do the same to both; where inputs are made of clean images"),
        ({"augment": ["blur"]}, "blur would change the target, too; inputs get it by data.degrade"),
        ({"degrade": [], "scale": None}, "colour_jitter does not do the same to both; where input and target are both"),
        ({"split": {"ratio": [0.5, 0.5], "stratify": True}}, "restoration knows none"),
        ({"normalize": "imagenet"}, "Extra inputs are not permitted"),
        ({"degrade": ["sharpen"]}, "no degradation is called sharpen"),
    ],
)
def test_what_can_not_be_is_refused(changes, message):
    with pytest.raises(ValidationError, match="error") as error:
        RestorationDataRecipe.model_validate(FULL | changes)
    assert message in str(error.value)
