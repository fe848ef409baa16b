"""The data section of a recipe is checked, and written so that it reads the same again."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from piste.data.augment.sizes import Resize
from piste.data.recipe import SegmentationDataRecipe
from piste.data.section import Statistics
from piste.data.split import SplitRecipe


def test_a_path_is_enough():
    recipe = SegmentationDataRecipe(path="lakes")
    assert recipe.classes is None
    assert recipe.normalize == Statistics(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


FULL = {
    "path": "somewhere",
    "classes": {"background": [0, 0, 0], "lake": [0, 0, 255]},
    "ignore": [[255, 255, 255]],
    "background": "background",
    "window": [0, 4095],
    "split": {"ratio": [0.6, 0.2, 0.2], "seed": 3, "stratify": True, "group": {"pattern": r"^(\d+)"}},
    "prepare": [{"resize": {"longest": 64}}],
    "augment": ["horizontal_flip", {"rotate": {"degrees": 30}}],
    "evaluate": [{"centre_crop": {"height": 32, "width": 32}}],
    "interpolation": "nearest",
    "fill": 7,
    "mask_fill": "background",
    "normalize": {"mean": [0.5, 0.5, 0.5], "std": [0.1, 0.2, 0.3]},
    "cache": False,
}


@pytest.mark.parametrize("document", [FULL, {"path": "x"}, {"path": "x", "normalize": "data", "split": "file"}])
def test_what_is_written_as_yaml_reads_the_same(document):
    recipe = SegmentationDataRecipe.model_validate(document)
    again = SegmentationDataRecipe.model_validate(yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json"))))
    assert again == recipe
    assert again.resolved() == recipe


def test_short_forms_stand_for_long_ones():
    assert SegmentationDataRecipe(path="x", classes=["a", "b"]).classes == {"a": 0, "b": 1}
    assert SegmentationDataRecipe(path="x", ignore=255).ignore == [255]
    assert SegmentationDataRecipe(path="x", fill=7).fill == (7, 7, 7)
    assert SegmentationDataRecipe(path="x", split="file").split == SplitRecipe()
    assert SegmentationDataRecipe(path="x", split="tiles.csv").split == SplitRecipe(file="tiles.csv")
    assert SegmentationDataRecipe(path=Path("x") / "y").path == "x/y"
    assert SegmentationDataRecipe(path="x", augment=["grey"], prepare=[{"resize": {"longest": 3}}]).prepare == [
        Resize(longest=3)
    ]


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"colour": 1}, "colour", "Extra inputs are not permitted"),
        ({"classes": {"a": 0, "b": 70000}}, "classes", "the class b needs a value of 0 … 65535 or a colour"),
        ({"classes": {"a": 0, "b": True}}, "classes", "the class b needs a value"),
        ({"classes": {"a": 0, "b": [1, 2]}}, "classes", "the class b needs a value"),
        ({"classes": {"a": 0, "b": [1, 2, 256]}}, "classes", "the class b needs a value"),
        ({"classes": ["a", "a"]}, "classes", "names each class once"),
        ({"classes": 3}, "classes", "maps names to values or colours"),
        ({"classes": ["a"]}, "", "classes must name 2 … 254 classes, the background among them; got 1"),
        ({"classes": [f"c{i}" for i in range(255)]}, "", "classes must name 2 … 254 classes"),
        ({"classes": {"a": 0, "b": [0, 0, 1]}}, "", "must all be values or all be colours"),
        ({"classes": {"a": 0, "b": 0}}, "", "each value once; 0 stands there twice"),
        ({"classes": ["a", "b"], "ignore": [1]}, "", "each value once; 1 stands there twice"),
        ({"classes": ["a", "ignore"]}, "", "can't hold one called ignore"),
        ({"classes": ["a", "b"], "background": "aa"}, "", "background: no class is called aa; nearest: a"),
        ({"classes": ["a", "b"], "mask_fill": "ignored"}, "", "mask_fill: no class is called ignored; nearest: ignore"),
        ({"ignore": "void"}, "ignore", "each entry needs a value"),
        (
            {"window": [3, 3]},
            "window",
            "black to the value of white, such as [0, 65535]; got [3, 3]",
        ),
        ({"normalize": {"mean": [0, 0, 0]}}, "normalize", "is imagenet, data or {mean: [r, g, b], std: [r, g, b]}"),
        ({"normalize": None}, "normalize", "is imagenet, data or {mean: [r, g, b], std: [r, g, b]}; got None"),
        ({"fill": "black"}, "fill", "is mean, a grey of 0 … 255 or a colour [red, green, blue]; got 'black'"),
        ({"fill": 256}, "fill", "is mean, a grey of 0 … 255 or a colour [red, green, blue]; got 256"),
        ({"window": [1]}, "window", "goes from the value of black"),
        ({"window": 5}, "window", "goes from the value of black"),
        ({"split": {"ratio": 0.5}}, "split.ratio", "takes the shares of train, val and, if wanted, test; got 0.5"),
        ({"split": "random"}, "split", "is file, a name such as tiles.csv, or {ratio: [0.7, 0.15, 0.15]}"),
        ({"split": {"ratio": [0.5, 0.4]}}, "split.ratio", "must add up to 1, with something for train and for val"),
        ({"split": {"ratio": [1.0, 0.0]}}, "split.ratio", "must add up to 1, with something for train and for val"),
        ({"split": {"ratio": [0.0, 1.0]}}, "split.ratio", "must add up to 1, with something for train and for val"),
        ({"split": {"ratio": [1.0]}}, "split.ratio", "takes the shares of train, val and, if wanted, test"),
        ({"split": {"ratio": [0.5, 0.7, -0.2]}}, "split.ratio.2", "Input should be greater than or equal to 0"),
        ({"split": {"seed": 3}}, "split", "seed and stratify go with a ratio"),
        ({"split": {"stratify": True}}, "split", "seed and stratify go with a ratio"),
        ({"split": {"group": {}}}, "split.group", "takes either a column of the split file or a pattern of names"),
        ({"split": {"group": {"column": "a", "pattern": "b"}}}, "split.group", "takes either a column"),
        ({"split": {"group": {"pattern": "("}}}, "split.group.pattern", "is no regular expression"),
        ({"prepare": ["crop"]}, "prepare.0", "crop needs the setting height"),
        ({"prepare": [{"crop": {"height": 3, "width": 3}}]}, "prepare", "takes only what does the same each time"),
        ({"evaluate": ["grey"]}, "evaluate", "such as resize and centre_crop; got Grey with p=0.2"),
        ({"augment": ["gray"]}, "augment.0", "no augmentation is called gray; nearest: grey"),
        ({"interpolation": "cubic"}, "interpolation", "Input should be 'nearest', 'bilinear' or 'bicubic'"),
        ({"normalize": "imagenett"}, "normalize", "is imagenet, data or {mean: [r, g, b], std: [r, g, b]}"),
        ({"normalize": {"mean": [123, 116, 103], "std": [58, 57, 57]}}, "normalize", "divide by 255"),
        (
            {"normalize": {"mean": [0, 0, 0], "std": [1, 1, 0]}},
            "normalize",
            "and three above 0 for std",
        ),
    ],
)
def test_mistakes_are_named_at_their_place(changes, place, message):
    with pytest.raises(ValidationError) as caught:
        SegmentationDataRecipe.model_validate({"path": "x"} | changes)
    (error,) = [e for e in caught.value.errors() if message in e["msg"]]
    found = [str(part) for part in error["loc"] if not str(part).startswith(("literal", "tuple"))]
    assert ".".join(found).startswith(place)
    assert "\n" not in error["msg"]


def test_the_canvas_is_filled_as_the_recipe_says():
    recipe = SegmentationDataRecipe(path="x", classes=["a", "b"], normalize={"mean": [0.2, 0.4, 0.6], "std": [1, 1, 1]})
    assert recipe.pipeline([], recipe.outside).canvas.fill == (51, 102, 153)
    assert recipe.pipeline([], recipe.outside).canvas.mask_fill == 255
    other = recipe.resolved(fill=[1, 2, 3], mask_fill="b", interpolation="nearest")
    filled = other.pipeline([], other.outside).canvas
    assert (filled.fill, filled.mask_fill, filled.interpolation) == ((1, 2, 3), 1, "nearest")
