"""The last look at a reader: what is misread as what, the worst lines first, and mistakes in colour."""

from pathlib import Path

import numpy as np
import pytest

from piste.tasks.text.examination import Reading, confusions, examine
from piste.tasks.text.pictures import MISSED, WRONG, read_line
from tests.tasks.text.test_task import Grey, opened

LINES = ["ab a", "cc", "abcabc", "a", "b bb"]


def test_it_tells_what_is_misread_as_what(greys: Path) -> None:
    task = opened(greys)
    batches = list(task.loader("val", train=False, workers=0, batch_size=2))
    found = task.examine(Grey(task, {"c": "b"}), "val", batches, None)
    # cc is read as bb, abcabc as abbabb: 4 of 17 characters, 2 of 5 lines, 2 of 7 words
    assert found.scores["default"] == {"cer": 4 / 17, "wer": 2 / 7, "exact": 3 / 5}
    assert found.scores["beam"] == found.scores["default"]
    assert found.story == (
        "read 60\u00a0% of the lines without a mistake; 23.5\u00a0% of the characters are wrong,"
        " most often “c” read as “b” (4 times)"
    )
    assert [sample["name"] for sample in found.samples] == [
        "val01.png",
        "val02.png",
        "val00.png",
        "val03.png",
        "val04.png",
    ]
    assert [sample["edits"] for sample in found.samples] == [2, 2, 0, 0, 0]
    assert found.samples[1] == {
        "name": "val02.png",
        "score": pytest.approx(4 / 6),
        "edits": 2,
        "truth": "abcabc",
        "read": "abbabb",
    }
    lengths, characters, confused = found.figures
    assert (characters["names"], characters["series"][0]["values"]) == (["c"], [1.0])
    assert (confused["names"], confused["series"][0]["values"]) == (["c → b"], [4])
    assert lengths["series"][0]["x"] == sorted(lengths["series"][0]["x"])
    assert [shown.name for shown in found.wall] == [sample["name"] for sample in found.samples]
    assert found.wall[0].note == "2 of 2 characters to mend"


def test_the_other_decoding_is_told_too(greys: Path) -> None:
    task = opened(greys, model={"decode": "beam"})
    found = examine(task, Grey(task), "test", task.loader("test", train=False, workers=0, batch_size=3))
    assert found.scores.keys() == {"default", "greedy"}
    assert found.story.startswith(
        "read 100\u00a0% of the lines without a mistake; 0\u00a0% of the characters are wrong"
    )
    assert "most often" not in found.story


def test_lines_of_all_lengths_are_in_the_curve() -> None:
    from piste.tasks.text.examination import _over_lengths

    readings = [Reading(i, str(i), "a" * (i + 1), "a" * i, 1) for i in range(20)]
    figure = _over_lengths(readings)
    wrong, flawed = figure["series"]
    assert len(wrong["x"]) == 8
    assert wrong["y"] == sorted(wrong["y"], reverse=True)
    assert flawed["y"] == [1.0] * 8
    assert len(_over_lengths(readings[:3])["series"][0]["x"]) == 3


def test_what_is_missing_or_too_much_is_a_confusion_with_nothing() -> None:
    readings = [Reading(0, "x", "coat", "cat", 1), Reading(1, "y", "a b", "aa b", 1), Reading(2, "z", "a b", "ab", 1)]
    assert confusions(readings) == {("o", ""): 1, ("", "a"): 1, (" ", ""): 1}


def marked(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(-1).any())


def test_mistakes_are_coloured_and_only_they() -> None:
    image = np.zeros((16, 60, 3), np.uint8)
    for read, truth, missed, wrong in (
        ("coat", "coat", False, False),
        ("cat", "coat", True, False),
        ("cooat", "coat", False, True),
        ("cost", "coat", True, True),
    ):
        picture = read_line(image, read, truth)
        assert (marked(picture, MISSED), marked(picture, WRONG)) == (missed, wrong)
    assert read_line(image, "coat").shape[0] < read_line(image, "coat", "coat").shape[0]
    assert not marked(read_line(image, "coat"), WRONG)


@pytest.mark.parametrize("size", [(1, 1), (4000, 3), (3, 4000)])
def test_any_image_and_any_text_are_drawn_at_one_width(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    assert read_line(image, "x" * 300, "").shape[1] == read_line(image, "", "").shape[1] == 720
