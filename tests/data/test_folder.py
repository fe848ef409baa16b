"""Pairs are found by stem, and everything that keeps one from being used is said at once."""

from pathlib import Path

import pytest

from piste.data.folder import BUILT_IN, Listing, list_samples, locate
from tests.data.files import folder, labels, picture, save


def messages(listing: Listing) -> dict[str, str]:
    return {problem.path.name: problem.message for problem in listing.problems}


def test_equal_stems_are_pairs_whatever_the_format(tmp_path):
    save(tmp_path / "images/a.jpg", picture())
    save(tmp_path / "images/b.v2.TIFF", picture())
    save(tmp_path / "masks/a.png", labels())
    save(tmp_path / "masks/b.v2.tif", labels())
    listing = list_samples(tmp_path)
    assert listing.problems == []
    assert listing.names == ["a", "b.v2"]
    assert [(sample.name, sample.image.name, sample.mask.name, sample.size) for sample in listing.samples] == [
        ("a", "a.jpg", "a.png", (6, 8)),
        ("b.v2", "b.v2.TIFF", "b.v2.tif", (6, 8)),
    ]


def test_other_files_hidden_files_and_folders_are_passed_over(tmp_path):
    folder(tmp_path, "ab")
    (tmp_path / "images/Thumbs.db").write_bytes(b"x")
    (tmp_path / "images/._a.png").write_bytes(b"x")
    (tmp_path / "masks/notes.txt").write_text("x")
    (tmp_path / "masks/more.png").mkdir()
    listing = list_samples(tmp_path)
    assert listing.problems == []
    assert listing.names == ["a", "b"]


def test_halves_without_the_other_half_are_named(tmp_path):
    folder(tmp_path, "abc")
    (tmp_path / "masks/a.png").unlink()
    (tmp_path / "images/b.png").unlink()
    listing = list_samples(tmp_path)
    assert messages(listing) == {
        "a.png": "image without mask: add masks/a.png or remove the image",
        "b.png": "mask without image: add images/b.png or remove the mask",
    }
    assert {problem.path.parent.name for problem in listing.problems} == {"images", "masks"}
    assert [sample.name for sample in listing.samples] == ["c"]


def test_a_mask_of_a_kind_that_is_not_read_is_pointed_at(tmp_path):
    folder(tmp_path, "ab")
    (tmp_path / "masks/a.png").rename(tmp_path / "masks/a.bmp")
    assert messages(list_samples(tmp_path)) == {
        "a.png": "image without mask: a.bmp is of a kind not read; convert it to PNG or TIFF"
    }


def test_stems_that_never_meet_are_one_problem(tmp_path):
    folder(tmp_path, "abc")
    for mask in list((tmp_path / "masks").iterdir()):
        mask.rename(mask.with_name(f"{mask.stem}_mask.png"))
    assert messages(list_samples(tmp_path)) == {
        "masks": "no mask has the stem of an image: masks/a.png goes with images/a.png; rename such as a_mask.png"
    }


def test_sizes_that_differ_are_named(tmp_path):
    folder(tmp_path, "ab")
    save(tmp_path / "masks/b.png", labels(height=6, width=7))
    save(tmp_path / "masks/a.png", labels(height=3, width=8))
    assert messages(list_samples(tmp_path)) == {
        "a.png": "is 8x3 pixels (width x height) but its image a.png is 8x6; export the mask at the size of the image",
        "b.png": "is 7x6 pixels (width x height) but its image b.png is 8x6; export the mask at the size of the image",
    }


def test_equal_stems_are_named(tmp_path):
    folder(tmp_path, "ab")
    save(tmp_path / "images/a.jpg", picture())
    assert messages(list_samples(tmp_path)) == {
        "a.png": "has the stem of a.jpg; keep one, or rename it and its partner"
    }


def test_a_broken_header_is_named(tmp_path):
    folder(tmp_path, "ab")
    (tmp_path / "images/a.png").write_bytes(b"")
    listing = list_samples(tmp_path)
    assert "is empty" in messages(listing)["a.png"]
    assert listing.names == ["a", "b"]


@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_missing_part_is_named(tmp_path, part):
    (tmp_path / {"images": "masks", "masks": "images"}[part]).mkdir()
    assert messages(list_samples(tmp_path)) == {
        part: "no such folder; a data set holds images/ and masks/ with equal stems"
    }


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    assert "holds no image" in messages(list_samples(tmp_path))["images"]


def test_built_in_data_is_located_and_ships_with_its_credits():
    for name in BUILT_IN:
        place = locate(name)
        assert (place / "images").is_dir()
        assert (place / "CREDITS.md").read_text("utf-8")


def test_a_folder_of_a_built_in_name_is_reached_with_a_dot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lakes").mkdir()
    assert locate("lakes") != Path("lakes")
    assert locate("./lakes") == Path("lakes")


def test_a_missing_folder_names_the_nearest_built_in_data(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data folder lake does not exist; .*nearest: lakes"):
        locate("lake")
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="is a file; give the folder"):
        locate(str(tmp_path / "a.zip"))
