"""The built-in lines: what they say, how they look, and what they depend on."""

import string
from random import Random

import numpy as np
import pytest

from piste.data.problems import DataError
from piste.data.text.fonts import FONTS, font_file, load_font, refuse_missing_glyphs
from piste.data.text.lines import render_lines
from piste.data.text.recipe import LinesRecipe
from piste.data.text.rendering import render
from piste.data.text.words import WORDS
from piste.data.text.writing import Writer

FEW = LinesRecipe(train=30, val=10, test=5)
CLEAN = {"skew": 0.0, "blur": (0.0, 0.0), "noise": (0.0, 0.0)}


def test_words_are_words():
    assert len(set(WORDS)) == len(WORDS) > 500
    assert set("".join(WORDS)) == set(string.ascii_lowercase)


def test_lines_differ_and_hold_letters_digits_and_punctuation():
    writer = Writer(seed=3, words=(1, 4))
    lines = [writer.line() for _ in range(2000)]
    assert len(set(lines)) == len(lines)
    assert set("".join(lines)) >= set(string.ascii_letters + string.digits + " .,:;!?'\"()-$%&/")
    known = {word.strip(string.punctuation).lower().removesuffix("'s") for line in lines for word in line.split()}
    words = {part for word in known for part in word.split("-") if part.isalpha() and len(part) > 3}
    assert words <= set(WORDS)


def test_a_line_has_as_many_words_as_asked_for():
    writer = Writer(seed=0, words=(2, 3))
    # "4 May", "No. 7" and "& 5" stand for one
    assert all(2 <= len(writer.line().split()) <= 6 for _ in range(200))


def test_lines_follow_from_the_seed_alone():
    names = [f"{split}/{i}" for split, count in (("train", 30), ("val", 10), ("test", 5)) for i in range(count)]
    first = render_lines(FEW)
    assert [name.replace("/0", "/") if not name.endswith("/0") else name for name in first.names] == names
    render_lines.cache_clear()
    Random(5).random()
    np.random.seed(7)
    again, other = render_lines(FEW), render_lines(FEW.model_copy(update={"seed": 1}))
    assert again.texts == first.texts
    assert all(np.array_equal(a, b) for a, b in zip(again.pixels, first.pixels, strict=True))
    assert not set(other.texts) & set(first.texts)
    assert len(set(first.texts)) == 45


def test_lines_are_the_same_in_every_process():
    writer = Writer(seed=0, words=(1, 4))
    assert [writer.line() for _ in range(3)] == ['"figure" south $43.72', "& 25?", "M43!"]


def test_more_training_lines_leave_a_training_line_as_it_is():
    more = render_lines(LinesRecipe(train=40, val=1, test=1))
    few = render_lines(FEW)
    assert more.texts[:30] == few.texts[:30]
    assert all(np.array_equal(a, b) for a, b in zip(more.pixels[:30], few.pixels[:30], strict=True))


def test_a_clean_line_is_ink_on_paper():
    image = render("Hill", LinesRecipe(**CLEAN), Random(0))
    paper, ink = image[0, 0], image.min()
    assert 185 <= paper <= 255
    assert ink <= 90
    assert (image[0] == paper).all()
    assert (image[-1] == paper).all()
    assert (image[:, 0] == paper).all()
    assert (image[:, -1] == paper).all()
    assert 0.02 < (image < (int(paper) + int(ink)) / 2).mean() < 0.5


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"skew": 8.0}, "taller"),
        ({"noise": (0.1, 0.1)}, "rougher"),
        ({"blur": (2.0, 2.0)}, "smoother"),
        ({"sizes": (60, 60)}, "larger"),
    ],
)
def test_every_setting_shows(settings, change):
    clean = render("Some words", LinesRecipe(**CLEAN, sizes=(24, 24)), Random(1)).astype(float)
    other = render("Some words", LinesRecipe(**(CLEAN | {"sizes": (24, 24)} | settings)), Random(1)).astype(float)
    steps = [np.abs(np.diff(image, axis=1)) for image in (clean, other)]
    assert {
        "taller": other.shape[0] > clean.shape[0] + 5,
        "rougher": other.shape == clean.shape and np.median(steps[1]) > 5 > np.median(steps[0]),
        "smoother": other.shape == clean.shape and steps[1].max() < 0.6 * steps[0].max(),
        "larger": other.shape[0] > 2 * clean.shape[0],
    }[change]


def test_fonts_look_different():
    shapes = {render("Some words", LinesRecipe(**CLEAN, fonts=(font,)), Random(1)).tobytes() for font in FONTS}
    assert len(shapes) == len(FONTS)


def test_a_font_may_be_a_file(tmp_path):
    file = tmp_path / "own.ttf"
    file.write_bytes(font_file("DejaVuSerif").read_bytes())
    assert load_font(str(file), 20).getname() == ("DejaVu Serif", "Book")


def test_fonts_that_will_not_do_are_refused(tmp_path):
    (tmp_path / "broken.ttf").write_text("no font")
    for font, words in (
        ("DejaVuSanss", "nearest: DejaVuSans"),
        (str(tmp_path / "none.ttf"), "no such font file"),
        (str(tmp_path / "broken.ttf"), "is no font that can be read"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            refuse_missing_glyphs(font, "abcde")
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="has no glyph for 日"):
        refuse_missing_glyphs("DejaVuSans", "a日")
