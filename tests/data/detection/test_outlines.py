"""Outlines become the masks that COCO draws, and what is no outline is refused in one line."""

import numpy as np
import pytest
from faster_coco_eval.core import mask as library
from hypothesis import given, settings
from hypothesis import strategies as st

from piste.data.detection.outlines import Polygons, Runs, _decompressed, draw_outline, read_outline


def test_a_rectangle_on_the_grid_fills_its_pixels():
    mask = draw_outline(read_outline([[1, 2, 4, 2, 4, 5, 1, 5]]), (6, 7))
    wanted = np.zeros((6, 7), np.uint8)
    wanted[2:5, 1:4] = 1
    np.testing.assert_array_equal(mask, wanted)


def test_several_polygons_are_one_object():
    mask = draw_outline(read_outline([[0, 0, 2, 0, 2, 2, 0, 2], [4, 3, 7, 3, 7, 6, 4, 6]]), (6, 7))
    assert mask.sum() == 4 + 9
    assert set(np.unique(mask)) == {0, 1}


def test_runs_go_down_the_columns_background_first():
    mask = draw_outline(read_outline({"counts": [4, 2, 6], "size": [3, 4]}, (3, 4)), (3, 4))
    wanted = np.zeros((3, 4), np.uint8)
    wanted[1:, 1] = 1
    np.testing.assert_array_equal(mask, wanted)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**6))
def test_compressed_runs_are_read_as_the_library_writes_them(height, width, seed):
    draw = np.random.default_rng(seed)
    mask = (draw.random((height, width)) < draw.random()).astype(np.uint8)
    text = library.encode(np.asfortranarray(mask))["counts"].decode("ascii")
    outline = read_outline({"counts": text, "size": [height, width]}, (height, width))
    np.testing.assert_array_equal(draw_outline(outline, (height, width)), mask)
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, flat.size]).tolist()
    assert _decompressed(text) == ([0, *lengths] if flat[0] else lengths)


def test_outlines_are_kept_as_they_are_read():
    assert read_outline([[0, 0, 2, 0, 2, 2]]) == Polygons(((0, 0, 2, 0, 2, 2),))
    assert read_outline({"counts": [12], "size": [3, 4]}) == Runs((12,), (3, 4))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([], "has a segmentation that is neither a list of polygons nor"),
        ({"counts": [1]}, "has a segmentation that is neither a list of polygons nor"),
        ([[0, 0, 1, 1]], "has a polygon that is not x, y of three points or more; got 4 numbers"),
        ([[0, 0, 1, 1, 2]], "got 5 numbers"),
        ([[0, 0, 1, 1, 2, None]], "has a polygon that is not x, y of three points or more"),
        ([[0, 0, 1, 1, 2, float("nan")]], "has a polygon that is not x, y of three points or more"),
        ([3], "has a polygon that is not x, y of three points or more; got 3"),
        ({"counts": [12], "size": [4, 3]}, "has run lengths for 3x4 pixels (width x height), but its image is 4x3"),
        ({"counts": [11], "size": [3, 4]}, "has run lengths that do not add up to 4x3 pixels"),
        ({"counts": [-1, 13], "size": [3, 4]}, "has run lengths that are no list of numbers and no text"),
        ({"counts": "0\x00", "size": [3, 4]}, "has run lengths that do not add up to 4x3 pixels"),
        ({"counts": "o", "size": [3, 4]}, "has run lengths that do not add up to 4x3 pixels"),
        ({"counts": [12], "size": [3]}, "has run lengths whose size is not [height, width]; got [3]"),
    ],
)
def test_what_is_no_outline_is_refused(entry, message):
    with pytest.raises(ValueError) as caught:
        read_outline(entry, (3, 4))
    assert message in str(caught.value)
