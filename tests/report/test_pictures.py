"""What is drawn over photographs."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from piste.report.palette import FALSE_ALARM, HIT, MISS
from piste.report.pictures import LARGEST, classes, errors, overlay_uri, painted, photo_uri, prediction


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_hits_misses_and_false_alarms_have_their_colours():
    truth = np.array([[1, 1, 0, 0]], dtype=np.uint8)
    said = np.array([[1, 0, 1, 0]], dtype=np.uint8)
    picture = painted(np.zeros((1, 4, 3), np.uint8), *errors(truth, said, 0))
    assert [tuple(pixel) for pixel in picture[0].tolist()] == [HIT, MISS, FALSE_ALARM, (0, 0, 0)]


def test_a_wrong_class_is_neither_and_ignored_pixels_are_nothing():
    truth = np.array([[1, 2, 255, 0]], dtype=np.uint8)
    said = np.array([[2, 2, 1, 0]], dtype=np.uint8)
    assert errors(truth, said, 0)[0].tolist() == [[4, 1, 5, 0]]


def test_without_background_every_class_is_foreground():
    truth, said = np.array([[0, 1]], dtype=np.uint8), np.array([[0, 0]], dtype=np.uint8)
    assert errors(truth, said, None)[0].tolist() == [[1, 4]]


@pytest.mark.parametrize("background", [0, 1])
def test_the_background_is_clear(background):
    codes, colours = classes(np.array([[0, 1]], dtype=np.uint8), background)
    alphas = [colours[code][3] for code in codes[0]]
    assert alphas == ([0, 255] if background == 0 else [255, 0])


def test_the_veil_grows_with_the_probability_that_was_not_claimed():
    said = np.zeros((1, 4), dtype=np.uint8)
    prob = np.array([[0, 60, 120, 127]], dtype=np.uint8)
    codes, colours = prediction(said, prob, 0)
    alphas = [colours[code][3] for code in codes[0]]
    assert alphas[0] == 0
    assert alphas == sorted(alphas)
    assert alphas[1] < alphas[2] < 255


def test_what_is_claimed_is_opaque():
    codes, colours = prediction(np.array([[1]], np.uint8), np.array([[200]], np.uint8), 0)
    assert colours[codes[0, 0]][3] == 255


def test_an_overlay_survives_its_encoding():
    codes = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    picture = np.asarray(decoded(overlay_uri(codes, errors(codes, codes, 0)[1])).convert("RGBA"))
    assert picture[0, 0, 3] == 0
    assert tuple(picture[0, 1]) == (*HIT, 255)
    assert tuple(picture[1, 0]) == (*MISS, 255)
    assert tuple(picture[1, 1]) == (*FALSE_ALARM, 255)


def test_large_pictures_are_made_smaller():
    assert decoded(photo_uri(np.zeros((700, 1000, 3), np.uint8))).size[0] == LARGEST
    codes = np.zeros((700, 1000), np.uint8)
    assert max(decoded(overlay_uri(codes, [(0, 0, 0, 0)])).size) <= LARGEST
