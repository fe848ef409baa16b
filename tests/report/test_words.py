"""Numbers in words."""

import math

import pytest

from piste.metrics.percent import SPACE, percent
from piste.report.words import duration, found, plural

LAKE = ["lake"]


def said(scores, foreground=LAKE, objects=None) -> str:
    return found(scores, foreground, objects or {}).replace(SPACE, " ")


def test_the_headline_says_what_was_found():
    counts = {"lake": {"truth": 37, "predicted": 30, "matched": 12}}
    sentence = said({"recall": 0.41, "precision": 0.63}, LAKE, counts)
    assert sentence == "found 41 % of the lake pixels at 63 % precision; 12 of 37 lakes"


def test_without_counts_the_share_of_objects_is_told():
    sentence = said({"recall": 0.41, "precision": 0.63, "object_recall": 0.325})
    assert sentence == "found 41 % of the lake pixels at 63 % precision; 32 % of the lakes"


def test_several_classes_are_told_as_one_average():
    counts = {"lake": {"truth": 3, "matched": 1}, "road": {"truth": 1200, "matched": 2}}
    sentence = said({"recall": 0.5, "precision": 0.25}, ["lake", "road"], counts)
    assert sentence == (
        "found 50 % of the foreground pixels at 25 % precision, averaged over 2 classes; 3 of 1 203 objects"
    )


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ({"recall": 0.0, "precision": 0.0}, "found no lake at all"),
        ({"recall": math.nan, "precision": math.nan}, "found no lake and there was none"),
    ],
)
def test_finding_nothing_is_said_plainly(scores, sentence):
    assert said(scores) == sentence


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "<0.1 %"),
        (0.0042, "0.42 %"),
        (0.413, "41 %"),
        (0.9949, "99.5 %"),
        (0.99949, ">99.9 %"),
        (1.0, "100 %"),
        (math.nan, "\u2013"),
    ],
)
def test_shares_never_round_to_all_or_nothing(share, text):
    assert percent(share).replace(SPACE, " ") == text


def test_durations_and_plurals():
    assert [duration(s) for s in (0.4, 59.6, 3599, 7260)] == ["0 s", "1 min 0 s", "59 min 59 s", "2 h 1 min"]
    assert [plural(n) for n in ("lake", "bus", "city", "key", "branch")] == [
        "lakes",
        "buses",
        "cities",
        "keys",
        "branches",
    ]
