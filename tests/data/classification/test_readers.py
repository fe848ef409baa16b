"""Folders, CSV, IDX, torchvision's sets and the built-in ones: each is read right, and each mistake is named."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from piste.data.classification.opened import open_classification, read_labelled
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.problems import DataError
from tests.data.files import idx, picture, save, shades

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8)
NUMBERS = (np.arange(40) % 3).astype(np.uint8)


def recipe(path: object, **keys: object) -> ClassificationDataRecipe:
    return ClassificationDataRecipe.model_validate({"path": str(path), **keys})


def rows(folder: Path, text: str, count: int = 20) -> Path:
    for i in range(count):
        save(folder / f"{i:02}.png", picture(i))
    (folder / "labels.csv").write_text(text)
    return folder


def test_the_folder_of_an_image_is_its_class(tmp_path: Path) -> None:
    found = read_labelled(recipe(shades(tmp_path, {"cat": 2, "ant": 1, "bee/wild": 2, "bee": 1})))
    assert found.classes == ("ant", "bee", "cat")
    assert list(found.pictures.names) == [
        *("ant/00.png", "bee/00.png", "bee/wild/00.png", "bee/wild/01.png"),
        *("cat/00.png", "cat/01.png"),
    ]
    assert found.labels.tolist() == [0, 1, 1, 1, 2, 2]


def test_folders_of_splits_are_kept(tmp_path: Path) -> None:
    shades(tmp_path, {"train/cat": 3, "train/dog": 2, "valid/cat": 1, "valid/dog": 1, "test/dog": 2})
    opened = open_classification(recipe(tmp_path))
    assert {split: targets.tolist() for split, targets in opened.targets.items()} == {
        "train": [0, 0, 0, 1, 1],
        "val": [0, 1],
        "test": [1, 1],
    }
    assert opened.pictures.store("val").name(0) == "valid/cat/00.png"
    assert opened.counts.pixels == (3, 2)


def test_a_test_set_stays_one_while_val_is_dealt_from_train(tmp_path: Path) -> None:
    shades(tmp_path, {"train/cat": 20, "train/dog": 10, "test/cat": 2, "test/dog": 1})
    opened = open_classification(recipe(tmp_path))
    assert {split: len(targets) for split, targets in opened.targets.items()} == {"train": 27, "val": 3, "test": 3}
    assert all(opened.pictures.store("test").name(i).startswith("test/") for i in range(3))
    assert opened.targets["val"].bincount().tolist() == [2, 1]
    anew = open_classification(recipe(tmp_path, split={"ratio": [0.5, 0.25, 0.25]}))
    names = [anew.pictures.store("test").name(i) for i in range(len(anew.targets["test"]))]
    assert any(name.startswith("train/") for name in names)


def test_one_label_a_row(tmp_path: Path) -> None:
    text = "path,label,split\n" + "".join(
        f"{i:02}.png,{10 if i % 2 else 9},{'val' if i > 15 else 'train'}\n" for i in range(20)
    )
    opened = open_classification(recipe(rows(tmp_path, text)))
    assert opened.class_names == ("9", "10")  # by value, not by letter
    assert opened.targets["val"].tolist() == [0, 1, 0, 1]
    assert opened.recipe.split is not None
    assert opened.recipe.split.file == "labels.csv"
    again = open_classification(opened.recipe)
    assert again.targets["train"].tolist() == opened.targets["train"].tolist()


@pytest.mark.parametrize("separator", [";", "|"])
def test_several_labels_a_row(tmp_path: Path, separator: str) -> None:
    kinds = ["cat", f"dog{separator} cat", "", "dog"]
    text = "path,labels\n" + "".join(f"{i:02}.png,{kinds[i % 4]}\n" for i in range(20))
    found = read_labelled(recipe(rows(tmp_path, text)))
    assert found.multi_label
    assert found.classes == ("cat", "dog")
    assert found.labels[:4].tolist() == [[True, False], [True, True], [False, False], [False, True]]
    opened = open_classification(recipe(tmp_path))
    assert opened.counts.total == len(opened.targets["train"])
    assert opened.counts.pixels == tuple(opened.targets["train"].sum(0).tolist())


def test_groups_of_the_same_file_stay_together(tmp_path: Path) -> None:
    text = "path,label,site\n" + "".join(f"{i:02}.png,{'ab'[i % 2]},{i // 4}\n" for i in range(20))
    split = {"file": "labels.csv", "ratio": [0.6, 0.4], "group": {"column": "site"}}
    opened = open_classification(recipe(rows(tmp_path, text), split=split))
    names = [opened.pictures.store("val").name(i) for i in range(8)]
    assert len({int(name[:2]) // 4 for name in names}) == 2


def test_idx_files_with_a_test_set(tmp_path: Path) -> None:
    idx(tmp_path / "train-images-idx3-ubyte.gz", PIXELS, compressed=True)
    idx(tmp_path / "train-labels-idx1-ubyte.gz", NUMBERS, compressed=True)
    idx(tmp_path / "t10k-images-idx3-ubyte", PIXELS[:5])
    idx(tmp_path / "t10k-labels-idx1-ubyte", NUMBERS[:5])
    opened = open_classification(recipe(tmp_path, classes=["a", "b", "c"]))
    assert len(opened.targets["train"]) + len(opened.targets["val"]) == 40
    assert 3 <= len(opened.targets["val"]) <= 5
    assert opened.targets["test"].tolist() == [0, 1, 2, 0, 1]
    assert np.array_equal(opened.pictures.shown("test", 3), np.repeat(PIXELS[3][:, :, None], 3, axis=2))
    with pytest.raises(DataError, match=r"holds the class 2, and data.classes names 2, from 0 on"):
        open_classification(recipe(tmp_path, classes=["a", "b"]))
    idx(tmp_path / "t10k-labels-idx1-ubyte", NUMBERS[:4])
    with pytest.raises(DataError, match="holds 4 labels for 5 images"):
        open_classification(recipe(tmp_path))


def test_torchvisions_sets_by_name(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    for start, count in (("train", 40), ("t10k", 5)):
        idx(raw / f"{start}-images-idx3-ubyte", PIXELS[:count])
        idx(raw / f"{start}-labels-idx1-ubyte", NUMBERS[:count])
    opened = open_classification(recipe(tmp_path, torchvision="MNIST", classes=["a", "b", "c"]))
    assert opened.targets["test"].tolist() == [0, 1, 2, 0, 1]
    assert np.array_equal(opened.pictures.shown("test", 4)[:, :, 0], PIXELS[4])
    with pytest.raises(DataError, match=r"holds no CIFAR10 of torchvision .* download it once") as caught:
        open_classification(recipe(tmp_path, torchvision="CIFAR10"))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="nearest: CIFAR10"):
        open_classification(recipe(tmp_path, torchvision="CIFAR11"))


def test_a_set_of_torchvision_without_splits_is_dealt_out(tmp_path: Path) -> None:
    shades(tmp_path / "eurosat" / "2750", {"Forest": 10, "River": 10})
    opened = open_classification(recipe(tmp_path, torchvision="EuroSAT", split={"ratio": [0.5, 0.5]}))
    assert opened.class_names == ("Forest", "River")
    assert len(opened.targets["train"]) == len(opened.targets["val"]) == 10


def test_digits_are_those_of_scikit_learn() -> None:
    found = read_labelled(recipe("digits"))
    digits = load_digits()
    assert found.labels.tolist() == digits.target.tolist()
    shown = found.pictures.read(7)[0].numpy() / 255 * 16
    assert np.abs(shown - digits.images[7]).max() < 0.04


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,kind\n00.png,cat\n", "needs a column label, for one class an image, or labels"),
        ("path,label,labels\n00.png,cat,cat\n", "and not both; it has path, label, labels"),
        ("path,label\n00.png,\n01.png,cat\n", "00.png has no label"),
        ("path,labels\n00.png,a;b\n01.png,a|b\n", "separates labels by ; here and by | there"),
        ("path,labels\n00.png,\n", "holds no label"),
        ("path,label\n00.png,cat\n01.png,cat\n02.png,cat\n", "holds one class, cat"),
        ("path,label,split\n00.png,cat,train\n01.png,dog,valid\n", "split 'valid'; nearest: val"),
        ("path,label,split\n00.png,cat,train\n01.png,dog,val\n", "no training image has the class dog"),
        ("path,label,split\n00.png,cat,train\n01.png,dog,train\n", "puts no image into val"),
        ("path,label\n00.png,cat\nxx.png,dog\n", "xx.png: no such file"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        open_classification(recipe(rows(tmp_path, text, count=3)))
    assert "\n" not in str(caught.value)


def test_bad_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist; built-in data sets: nearest: digits"):
        open_classification(recipe("digit"))
    with pytest.raises(DataError, match="holds no folder; each class has one"):
        open_classification(recipe(tmp_path))
    shades(tmp_path, {"train/cat": 3, "cow": 1})
    with pytest.raises(DataError, match="cow: lies beside train"):
        open_classification(recipe(tmp_path))
    with pytest.raises(DataError, match="is a file; give a folder of classes, a CSV file"):
        open_classification(recipe(tmp_path / "cow" / "00.png"))
    other = shades(tmp_path / "other", {"cat": 9, "dog": 9})
    with pytest.raises(DataError, match=r"holds the class dog, which data.classes does not name; nearest: dogs"):
        open_classification(recipe(other, classes=["cat", "dogs"]))
    (other / "cow").mkdir()
    with pytest.raises(DataError, match="cow: holds no image, so its class has none"):
        open_classification(recipe(other))
    (other / "cow" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"x.png: is empty"):
        open_classification(recipe(other))


def test_settings_that_do_not_apply_are_refused() -> None:
    with pytest.raises(ValueError, match=r"data.window is for image files"):
        open_classification(recipe("digits", window=[0, 4095]))
    with pytest.raises(ValueError, match="torchvision does not go with the built-in data set digits"):
        recipe("digits", torchvision="MNIST")
    with pytest.raises(ValueError, match="3 stands there twice"):
        recipe("digits", classes=[3, 3])
