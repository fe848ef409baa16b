"""Classes that the recipe leaves open come from the built-in data set, or from values that leave no doubt."""

from pathlib import Path

import pytest

from piste.data.classes import settle_classes
from piste.data.problems import DataError
from piste.data.recipe import SegmentationDataRecipe

HERE = Path("data")


def test_built_in_data_knows_its_classes():
    recipe = settle_classes(SegmentationDataRecipe(path="lakes"), HERE, [])
    assert recipe.classes == {"background": 0, "lake": 255}
    assert recipe.background == "background"


def test_a_recipe_may_name_them_otherwise():
    recipe = settle_classes(SegmentationDataRecipe(path="lakes", classes={"land": 0, "water": 255}), HERE, [])
    assert list(recipe.classes) == ["land", "water"]
    assert recipe.background is None
    recipe = settle_classes(SegmentationDataRecipe(path="x", classes=["sky", "background"], background="sky"), HERE, [])
    assert recipe.background == "sky"


def test_values_without_a_gap_are_classes():
    assert settle_classes(SegmentationDataRecipe(path="x"), HERE, {2, 0, 1}).classes == {
        "class_0": 0,
        "class_1": 1,
        "class_2": 2,
    }
    assert settle_classes(SegmentationDataRecipe(path="x", ignore=255), HERE, {0, 1, 255}).classes == {
        "class_0": 0,
        "class_1": 1,
    }


@pytest.mark.parametrize("values", [{0, 255}, {1, 2}, {0}, set(), set(range(1, 256))])
def test_values_that_leave_doubt_are_refused(values):
    with pytest.raises(DataError, match=r"not 0, 1, 2, …; name them with data\.classes, such as") as caught:
        settle_classes(SegmentationDataRecipe(path="x"), HERE, values)
    assert len(str(caught.value)) < 300


def test_a_background_that_the_data_has_not_is_refused_in_one_line():
    with pytest.raises(ValueError) as caught:
        settle_classes(SegmentationDataRecipe(path="lakes", background="backgrund"), HERE, [])
    assert str(caught.value).startswith("data.background: no class is called backgrund; nearest: background")
    assert "\n" not in str(caught.value)
