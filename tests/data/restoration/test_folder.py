"""Pairs are found by stem, their scale by their sizes, and all that keeps one from being used is said at once."""

import pytest

from piste.data.restoration.folder import list_clean, list_pairs
from tests.data.files import picture, save


def draw_pairs(folder, names="abc", scale=2):
    for seed, name in enumerate(names):
        save(folder / "input" / f"{name}.png", picture(seed, 6, 8))
        save(folder / "target" / f"{name}.jpg", picture(seed, 6 * scale, 8 * scale))
    return folder


def messages(listing):
    return {f"{problem.path.parent.name}/{problem.path.name}": problem.message for problem in listing.problems}


@pytest.mark.parametrize("scale", [1, 2, 3, 8])
def test_equal_stems_are_pairs_and_the_scale_is_found(tmp_path, scale):
    listing = list_pairs(draw_pairs(tmp_path, scale=scale), None)
    assert listing.problems == []
    assert listing.names == ["a", "b", "c"]
    assert [(pair.input.name, pair.target.name, pair.size, pair.scale) for pair in listing.pairs] == [
        (f"{name}.png", f"{name}.jpg", (6 * scale, 8 * scale), scale) for name in "abc"
    ]


def test_the_scale_that_was_asked_for_must_be_there(tmp_path):
    found = messages(list_pairs(draw_pairs(tmp_path, "a"), 4))
    assert found == {
        "target/a.jpg": "is 2 times as large as its input, but data.scale is 4; bring all pairs to one scale"
    }


def test_what_differs_from_most_is_named(tmp_path):
    draw_pairs(tmp_path)
    save(tmp_path / "target/b.jpg", picture(1, 6, 8))
    listing = list_pairs(tmp_path, None)
    assert messages(listing) == {
        "target/b.jpg": "is 1 times as large as its input, but most targets are 2; bring all pairs to one scale"
    }
    assert [pair.name for pair in listing.pairs] == ["a", "c"]


@pytest.mark.parametrize("size", [(11, 16), (12, 24), (3, 4), (54, 72)])
def test_sizes_that_are_no_multiple_are_named(tmp_path, size):
    draw_pairs(tmp_path)
    save(tmp_path / "target/b.jpg", picture(1, *size))
    assert messages(list_pairs(tmp_path, None)) == {
        "target/b.jpg": f"is {size[1]}x{size[0]} pixels (width x height) but its input is 8x6 pixels (width x height); "
        "a target is as large as its input, or 2, 3, … 8 times as high and as wide"
    }


def test_halves_are_named_and_a_file_that_may_have_been_meant(tmp_path):
    draw_pairs(tmp_path)
    (tmp_path / "target/a.jpg").rename(tmp_path / "target/a.bmp")
    (tmp_path / "input/b.png").unlink()
    assert messages(list_pairs(tmp_path, None)) == {
        "input/a.png": "input without target: a.bmp is of a kind not read; convert it to PNG or TIFF",
        "target/b.jpg": "target without input: add input/b.png or remove the target",
    }


def test_a_broken_file_is_named(tmp_path):
    draw_pairs(tmp_path)
    (tmp_path / "input/b.png").write_bytes(b"")
    assert messages(list_pairs(tmp_path, None)) == {"input/b.png": "is empty (0 bytes); restore the file or remove it"}


def test_folders_that_are_missing_or_empty_are_named(tmp_path):
    assert "say how with data.degrade" in messages(list_pairs(tmp_path, None))[f"{tmp_path.name}/input"]
    (tmp_path / "input").mkdir()
    (only,) = messages(list_pairs(tmp_path, None)).values()
    assert only == "no such folder; a data set of pairs holds input/ and target/ with equal stems"
    (tmp_path / "target").mkdir()
    assert set(messages(list_pairs(tmp_path, None)).values()) == {
        "holds no image; .png, .jpg, .jpeg, .tif, .tiff are read"
    }


def test_clean_images_lie_in_images_or_in_the_folder(tmp_path):
    save(tmp_path / "a.png", picture(0, 7, 9))
    assert [(pair.name, pair.size, pair.input) for pair in list_clean(tmp_path, 2).pairs] == [("a", (6, 8), None)]
    save(tmp_path / "images/b.png", picture(0, 7, 9))
    assert [(pair.name, pair.size) for pair in list_clean(tmp_path, 1).pairs] == [("b", (7, 9))]


def test_clean_images_too_small_and_folders_of_pairs_are_refused(tmp_path):
    save(tmp_path / "images/b.png", picture(0, 3, 9))
    (only,) = messages(list_clean(tmp_path, 4)).values()
    assert only == "is 9x3 pixels (width x height), too small to be scaled down by 4; remove it"
    (only,) = messages(list_clean(draw_pairs(tmp_path), 2)).values()
    assert only.startswith("holds inputs already; leave data.degrade out")
