"""The check reads every file and says everything that is wrong at once."""

import numpy as np
import pytest

from piste.data import SegmentationDataRecipe, check_folder
from tests.data.files import folder, labels, picture, save
from tests.data.test_segmentation import SPLIT


def recipe(path, **settings):
    return SegmentationDataRecipe(path=str(path), **{"classes": ["background", "lake"]} | settings)


def problems(path, **settings):
    found = check_folder(recipe(path, **settings))
    return [(str(problem.path.relative_to(path)), problem.message) for problem in found]


def starts(found, *wanted):
    assert len(found) == len(wanted), found
    for (path, message), (wanted_path, wanted_message) in zip(found, wanted, strict=True):
        assert path == wanted_path
        assert message.startswith(wanted_message)


def test_the_lakes_are_sound():
    assert check_folder(SegmentationDataRecipe(path="lakes")) == []


@pytest.mark.parametrize("classes", [None, ["background", "lake"]])
def test_a_sound_folder_has_no_problem(tmp_path, classes):
    folder(tmp_path, split=SPLIT)
    assert problems(tmp_path, classes=classes) == []


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    folder(tmp_path, "abcdefghijkl", split=SPLIT | {"i": "val", "j": "trian", "x": "train"})
    (tmp_path / "masks/a.png").unlink()
    (tmp_path / "images/b.png").unlink()
    save(tmp_path / "masks/c.png", labels(3, 3, lake=1))
    save(tmp_path / "masks/d.png", labels(lake=2, value=7))
    (tmp_path / "images/e.png").write_bytes(b"")
    content = (tmp_path / "images/f.png").read_bytes()
    (tmp_path / "images/f.png").write_bytes(content[: len(content) // 2])
    save(tmp_path / "images/g.png", np.zeros((6, 8), np.uint16))
    save(tmp_path / "images/h.tif", picture())
    save(tmp_path / "masks/i.png", np.full((6, 8, 3), (0, 0, 255), np.uint8))
    starts(
        problems(tmp_path),
        ("images/a.png", "image without mask"),
        ("images/e.png", "is empty (0 bytes)"),
        ("images/f.png", "broken image"),
        ("images/g.png", "has more than 8 bits (I;16)"),
        ("images/h.tif", "has the stem of h.png"),
        ("masks", "no training mask holds the class background"),
        ("masks", "no training mask holds the class lake"),
        ("masks/b.png", "mask without image"),
        ("masks/c.png", "is 3x3 pixels"),
        ("masks/d.png", "holds values that no class has: 7 (2 px)"),
        ("masks/i.png", "is a mask in colour"),
        ("split.csv", "has no row for the image k"),
        ("split.csv", "has no row for the image l"),
        ("split.csv", "names b, which has no image"),
        ("split.csv", "names x, which has no image"),
        ("split.csv", "puts j into the split 'trian'; nearest: train"),
    )


def test_values_without_classes_are_a_problem_beside_the_others(tmp_path):
    folder(tmp_path, value=255)
    (tmp_path / "images/a.png").write_bytes(b"x")
    starts(
        problems(tmp_path, classes=None),
        ("images/a.png", "is no PNG, JPEG or TIFF image"),
        ("masks", "hold the values 0, 255, not 0, 1, 2, …; name them with data.classes, such as {class_0: 0"),
    )
    assert len(problems(tmp_path, classes={"background": 0, "lake": 255})) == 1


def test_an_absent_class_is_named(tmp_path):
    folder(tmp_path, split=SPLIT)
    starts(
        problems(tmp_path, classes=["background", "lake", "river"]),
        ("masks", "no training mask holds the class river; move an image that has it into train"),
    )


def test_an_empty_split_is_named(tmp_path):
    folder(tmp_path, split=dict.fromkeys("abcdefgh", "val"))
    starts(problems(tmp_path), ("split.csv", "puts no image into train"))


def test_a_picture_in_two_splits_is_named_whatever_its_format(tmp_path):
    folder(tmp_path, split=SPLIT)
    (tmp_path / "images/e.png").unlink()
    save(tmp_path / "images/e.tif", picture(0), compression="tiff_lzw")
    save(tmp_path / "images/b.png", picture(0))  # twice in train is no leak
    starts(
        problems(tmp_path),
        ("images/e.tif", "is the same picture as a.png, but one is in val and the other in train; remove one"),
    )


def test_the_same_values_in_another_form_are_another_picture(tmp_path):
    folder(tmp_path, split=SPLIT)
    save(tmp_path / "images/e.png", picture(0).reshape(8, 6, 3))
    save(tmp_path / "masks/e.png", labels(8, 6))
    assert problems(tmp_path) == []


def test_plain_pictures_are_alike_and_no_leak(tmp_path):
    folder(tmp_path, split=SPLIT)
    for name in "aeg":
        save(tmp_path / f"images/{name}.png", np.full((6, 8, 3), 9, np.uint8))
    assert problems(tmp_path) == []


def test_a_torn_group_is_named(tmp_path):
    folder(tmp_path)
    rows = "".join(f"{name},{split},{name in 'ae'}\n" for name, split in SPLIT.items())
    (tmp_path / "split.csv").write_text(f"name,split,harbour\n{rows}")
    starts(
        problems(tmp_path, split={"group": {"column": "harbour"}}),
        ("split.csv", "spreads the group False over train and val and test; keep it in one split"),
        ("split.csv", "spreads the group True over train and val; keep it in one split"),
    )


def test_a_stratified_split_needs_a_background(tmp_path):
    folder(tmp_path)
    found = problems(tmp_path, classes=["land", "lake"], split={"ratio": [0.5, 0.5], "stratify": True})
    starts(found, (".", "data.split.stratify needs to know the background"))


def test_a_broken_split_file_is_named(tmp_path):
    folder(tmp_path)
    (tmp_path / "split.csv").write_text("file;split\n")
    starts(problems(tmp_path), ("split.csv", "has no column name"))
    starts(problems(tmp_path, split="tiles.csv"), ("tiles.csv", "no such file"))


def test_a_missing_folder_is_the_only_problem(tmp_path):
    (problem,) = check_folder(recipe(tmp_path / "nowhere"))
    assert "does not exist" in problem.message
    starts(problems(tmp_path), ("images", "no such folder"), ("masks", "no such folder"))
