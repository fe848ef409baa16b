"""Images with numbers: columns, splits, standardised values, lakes counted, and each mistake named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from piste.data.folder import locate
from piste.data.problems import DataError
from piste.data.regression.opened import open_regression
from piste.data.regression.recipe import RegressionDataRecipe
from tests.data.files import picture, save


def recipe(path: object, **keys: object) -> RegressionDataRecipe:
    return RegressionDataRecipe.model_validate({"path": str(path), **keys})


def rows(folder: Path, header: str = "path,height,age,split", count: int = 20) -> Path:
    """Heights 0, 1, 2, …, ages that fall by halves; the last four validate."""
    lines = [header]
    for i in range(count):
        save(folder / f"{i:02}.png", picture(i))
        values = {"path": f"{i:02}.png", "height": i, "age": 10 - i / 2, "split": "val" if i >= count - 4 else "train"}
        lines.append(",".join(str(values.get(column, "x")) for column in header.split(",")))
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def test_columns_of_numbers_are_values(tmp_path: Path) -> None:
    opened = open_regression(recipe(rows(tmp_path)))
    assert opened.value_names == ("height", "age")
    assert opened.values["val"].tolist() == [[16, 2], [17, 1.5], [18, 1], [19, 0.5]]
    assert opened.pictures.store("val").name(0) == "16.png"
    one = open_regression(recipe(tmp_path / "labels.csv", values=["age"]))
    assert one.values["val"].tolist() == [[2], [1.5], [1], [0.5]]


def test_targets_are_standardised_by_the_training_images(tmp_path: Path) -> None:
    opened = open_regression(recipe(rows(tmp_path)))
    training = opened.targets("train")
    torch.testing.assert_close(training.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(training.std(0, correction=0), torch.ones(2))
    assert opened.targets("val")[0, 0] == pytest.approx((16 - 7.5) / np.arange(16).std())
    torch.testing.assert_close(opened.in_units(opened.targets("val")), opened.values["val"].float())
    quantiles = opened.targets("val").unsqueeze(2).expand(-1, -1, 3)
    torch.testing.assert_close(opened.in_units(quantiles)[:, :, 1], opened.values["val"].float())


def test_a_settled_recipe_keeps_the_statistics(tmp_path: Path) -> None:
    opened = open_regression(recipe(rows(tmp_path), normalize="data", limit=12))
    again = open_regression(RegressionDataRecipe.model_validate(opened.recipe.model_dump(mode="json")))
    assert again.recipe == opened.recipe
    assert torch.equal(again.targets("train"), opened.targets("train"))
    assert len(opened.targets("train")) == 12


def test_values_may_stay_in_their_unit(tmp_path: Path) -> None:
    opened = open_regression(recipe(rows(tmp_path), standardize=False))
    assert torch.equal(opened.targets("val"), opened.values["val"].float())
    assert opened.spread.tolist() == pytest.approx([np.arange(16).std(), np.arange(16).std() / 2])


def test_small_and_large_values_go_to_every_split(tmp_path: Path) -> None:
    opened = open_regression(recipe(rows(tmp_path, "path,height", count=40)))
    assert opened.recipe.split is not None
    assert opened.recipe.split.stratify
    for values in opened.values.values():
        quarters = torch.bucketize(values[:, 0], torch.tensor([9.5, 19.5, 29.5]).double()).bincount(minlength=4)
        assert quarters.max() - quarters.min() <= 1


def test_lakes_are_counted_where_their_pixels_touch() -> None:
    opened = open_regression(recipe("lakes", cache=False))
    assert opened.value_names == ("lakes",)
    store = opened.pictures.store("val")
    for place in (0, 7, 30):
        mask = np.asarray(Image.open(locate("lakes") / "masks" / f"{store.name(place)}.png")) == 255
        grown = ndimage.label(np.kron(mask, np.ones((2, 2))), np.ones((3, 3)))[
            1
        ]  # corners touch at twice the size, too
        assert opened.values["val"][place].item() == grown
    assert opened.values["train"].std() > 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,height\n00.png,tall\n", r"00.png: the column height holds tall, which is no finite number; give one"),
        ("path,height\n00.png,\n", "holds nothing, which is no finite number"),
        ("path,height\n00.png,nan\n", "holds nan, which is no finite number"),
        ("path,height\n00.png,inf\n", "holds inf, which is no finite number"),
        ("path,split\n00.png,train\n", "has no column of numbers beside path and split"),
        ("path,height,split\n00.png,1,train\n01.png,2,train\n", "puts no image into val"),
        ("file,height\n00.png,1\n", "has no column path"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, words: str) -> None:
    rows(tmp_path, count=5)
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        open_regression(recipe(tmp_path))
    assert "\n" not in str(caught.value)


def test_other_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"list the columns of numbers under data.values, such as \[site\]"):
        open_regression(recipe(rows(tmp_path / "a", "path,height,site")))
    with pytest.raises(DataError, match="has no column weight; its first line, split at commas, has path, height"):
        open_regression(recipe(tmp_path / "a", values=["weight"]))
    with pytest.raises(DataError, match=r"holds no labels.csv"):
        open_regression(recipe(tmp_path))
    with pytest.raises(FileNotFoundError, match="does not exist; built-in data sets: nearest: lakes"):
        open_regression(recipe("lake"))
    for keys, words in (
        ({"values": ["a", "a"]}, "each once, and neither path nor split"),
        ({"values": ["split"]}, "neither path nor split"),
        (
            {"values": ["a"], "standardize": {"mean": [0, 0], "std": [1, 1]}},
            "a mean and a std for each of the 1 values",
        ),
        ({"standardize": {"mean": [0], "std": [0]}}, "greater than 0"),
    ):
        with pytest.raises(ValueError, match=words):
            recipe("x", **keys)
    with pytest.raises(ValueError, match=r"values of the built-in data set lakes are \[lakes\]"):
        recipe("lakes", values=["ponds"])
