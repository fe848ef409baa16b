"""Problems become one line, whichever process met them."""

import pickle
from pathlib import Path

import pytest
from torch._utils import ExceptionWrapper

from piste.data.problems import DataError, Problem

FIRST = Problem(Path("images/a.png"), "is empty")
SECOND = Problem(Path("images/b.png"), "is broken")


def test_one_line_says_the_first_and_how_many_more():
    assert str(DataError(FIRST)) == "images/a.png: is empty"
    assert str(DataError(FIRST, SECOND)) == "images/a.png: is empty (1 more; `piste data check` lists them all)"
    assert DataError(FIRST, SECOND).problems == (FIRST, SECOND)


def test_a_worker_s_error_is_the_same_line():
    try:
        raise DataError(FIRST)
    except DataError as error:
        handed_over = ExceptionWrapper((type(error), error, error.__traceback__), where="in worker 0")
    with pytest.raises(DataError) as caught:
        handed_over.reraise()
    assert str(caught.value) == "images/a.png: is empty"


def test_an_error_survives_pickling():
    assert str(pickle.loads(pickle.dumps(DataError(FIRST)))) == "images/a.png: is empty"
