"""Masks of every kind become indices, or are refused in one line that says which values no class has."""

import numpy as np
import pytest
from PIL import Image

from piste.data.masks import Codes, find_values, read_mask
from piste.data.problems import DataError
from tests.data.files import labels, png, save

VALUES = Codes.of({"background": 0, "lake": 255, "river": 7})
COLOURS = Codes.of({"background": (0, 0, 0), "lake": (0, 0, 255), "road": (255, 0, 0)})
GREY = np.array([[0, 255, 7], [255, 0, 7]], np.uint8)
WANTED = [[0, 1, 2], [1, 0, 2]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_values_become_the_places_of_their_classes(tmp_path, suffix):
    read = read_mask(save(tmp_path / f"a.{suffix}", GREY), VALUES)
    assert read.dtype == np.uint8
    assert read.tolist() == WANTED


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_masks_of_more_bits_are_read(tmp_path, dtype):
    codes = Codes.of({"a": 0, "b": 300, "c": 40000})
    read = read_mask(save(tmp_path / "a.tif", np.array([[40000, 300, 0]], dtype)), codes)
    assert read.tolist() == [[2, 1, 0]]


def test_a_sixteen_bit_png_is_read(tmp_path):
    read = read_mask(save(tmp_path / "a.png", np.array([[256, 0]], np.uint16)), Codes.of({"a": 0, "b": 256}))
    assert read.tolist() == [[1, 0]]


def test_real_numbers_are_refused(tmp_path):
    with pytest.raises(DataError, match="kind F; save it as grey"):
        read_mask(save(tmp_path / "a.tif", np.zeros((2, 2), np.float32)), VALUES)


def palette(path):
    """Indices 0, 1, 2 that look black, blue and red."""
    image = Image.fromarray(np.array([[0, 1, 2], [1, 0, 2]], np.uint8)).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette([0, 0, 0, 0, 0, 255, 255, 0, 0])
    image.save(path)
    return path


def test_a_palette_counts_by_index_for_values_and_by_colour_for_colours(tmp_path):
    path = palette(tmp_path / "a.png")
    assert read_mask(path, Codes.of({"x": 2, "y": 1, "z": 0})).tolist() == [[2, 1, 0], [1, 2, 0]]
    assert read_mask(path, COLOURS).tolist() == WANTED


def test_colours_become_the_places_of_their_classes(tmp_path):
    colour = np.array([[[0, 0, 255], [255, 0, 0], [0, 0, 0]]], np.uint8)
    assert read_mask(save(tmp_path / "a.png", colour), COLOURS).tolist() == [[1, 2, 0]]
    alpha = np.dstack([colour, np.full((1, 3), 9, np.uint8)])
    assert read_mask(save(tmp_path / "b.png", alpha), COLOURS).tolist() == [[1, 2, 0]]


def test_colour_files_whose_channels_agree_hold_values(tmp_path):
    assert read_mask(save(tmp_path / "a.png", np.dstack([GREY] * 3)), VALUES).tolist() == WANTED


def test_a_colour_mask_is_refused_where_values_are_wanted(tmp_path):
    path = save(tmp_path / "a.png", np.array([[[0, 0, 255]]], np.uint8))
    with pytest.raises(DataError, match=r"in colour, but data\.classes names values; give each class its colour"):
        read_mask(path, VALUES)


def test_a_grey_mask_is_refused_where_colours_are_wanted(tmp_path):
    with pytest.raises(DataError, match=r"kind L, but data\.classes names colours"):
        read_mask(save(tmp_path / "a.png", GREY), COLOURS)


@pytest.mark.parametrize(
    ("classes", "wanted"),
    [({"a": 0, "b": 1}, [[1, 0]]), ({"a": 0, "b": 255}, [[1, 0]]), ({"a": 0, "b": 255, "c": 1}, [[2, 0]])],
)
def test_white_of_one_bit_is_255_or_1_as_the_classes_say(tmp_path, classes, wanted):
    path = save(tmp_path / "a.png", np.array([[True, False]]))
    with Image.open(path) as opened:
        assert opened.mode == "1"
    assert read_mask(path, Codes.of(classes)).tolist() == wanted


@pytest.mark.parametrize("depth", [2, 4])
def test_grey_of_two_or_four_bits_is_refused(tmp_path, depth):
    path = png(tmp_path / "a.png", [b"\x1b"], width=2, depth=depth, colour=0)
    with pytest.raises(DataError, match="grey of 2 or 4 bits; save it with 8"):
        read_mask(path, VALUES)


def test_ignored_values_become_255(tmp_path):
    codes = Codes.of({"background": 0, "lake": 255}, ignore=[7])
    assert read_mask(save(tmp_path / "a.png", GREY), codes).tolist() == [[0, 1, 255], [1, 0, 255]]
    codes = Codes.of({"background": (0, 0, 0)}, ignore=[(9, 9, 9)])
    assert read_mask(save(tmp_path / "b.png", np.full((1, 1, 3), 9, np.uint8)), codes).tolist() == [[255]]


def test_a_value_that_no_class_has_is_counted_and_named(tmp_path):
    path = save(tmp_path / "a.png", labels(lake=3, value=9))
    with pytest.raises(DataError) as caught:
        read_mask(path, VALUES)
    assert str(caught.value) == (
        f"{path}: holds values that no class has: 9 (3 px); classes have 0, 7, 255; "
        f"add them to data.classes or data.ignore"
    )


def test_a_colour_that_no_class_has_is_named_as_a_colour(tmp_path):
    path = save(tmp_path / "a.png", np.array([[[0, 0, 255], [1, 2, 3]]], np.uint8))
    with pytest.raises(DataError, match=r"no class has: \[1, 2, 3\] \(1 px\); classes have \[0, 0, 0\], \[0, 0, 255\]"):
        read_mask(path, COLOURS)


def test_a_value_below_and_one_above_all_classes_are_unknown(tmp_path):
    codes = Codes.of({"a": 3, "b": 5})
    with pytest.raises(DataError, match=r"2 \(1 px\), 4 \(1 px\), 6 \(1 px\)"):
        read_mask(save(tmp_path / "a.png", np.array([[2, 3, 4, 5, 6]], np.uint8)), codes)


def test_many_unknown_values_are_cut_to_five(tmp_path):
    path = save(tmp_path / "a.png", np.arange(100, 120, dtype=np.uint8)[None])
    with pytest.raises(DataError, match=r"104 \(1 px\) and 15 more values"):
        read_mask(path, VALUES)


def test_a_jpeg_mask_is_told_why_its_values_are_odd(tmp_path):
    path = save(tmp_path / "a.jpg", np.kron(np.eye(8, dtype=np.uint8) * 255, np.ones((3, 3), np.uint8)))
    with pytest.raises(DataError, match="JPEG changes values; save masks as PNG"):
        read_mask(path, VALUES)


def test_values_are_found(tmp_path):
    assert find_values(save(tmp_path / "a.png", GREY)) == {0, 7, 255}
    assert find_values(save(tmp_path / "b.png", np.array([[True, False]]))) == {0, 1}
