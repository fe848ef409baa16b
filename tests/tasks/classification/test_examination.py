"""The last look at a classifier: what is wrong with most confidence comes first, and figures hold what they say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piste.metrics.classification import Answers
from piste.tasks.base.panels import FALSE_ALARM, HIT, MISS, photograph, shortened, words
from piste.tasks.classification.examination import margins
from piste.tasks.classification.pictures import answer_bars, grid
from tests.tasks.classification.test_task import SMALL, Shade, opened, several, three

__all__ = ["several", "three"]


def holds(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(2).any())


def test_the_most_confident_mistake_comes_first(three: Path) -> None:
    task = opened(three)

    class Doubtful(nn.Module):
        """Takes the first ant for a cat, firmly, and the first bee for a cat, hardly."""

        def forward(self, image: Tensor) -> Tensor:
            logits = Shade(task)(image) / 10
            if len(image) == 8:
                logits[0] = torch.tensor([-5.0, -5.0, 5.0])
                logits[3] = torch.tensor([-1.0, 0.9, 1.0])
            return logits

    batches = list(task.loader("val", train=False, workers=0, batch_size=8))
    found = task.examine(Doubtful(), "val", batches, None)
    assert [shown.name for shown in found.wall[:2]] == ["val/ant/00.png", "val/bee/00.png"]
    assert found.wall[0].note == "ant, taken for cat"
    assert found.wall[2].note.endswith("told right")
    assert found.samples[0] == {
        "name": "val/ant/00.png",
        "score": pytest.approx(-1, abs=1e-3),
        "truth": "ant",
        "said": "cat",
        "confidence": pytest.approx(1, abs=1e-3),
    }
    assert [round(sample["score"], 3) for sample in found.samples] == sorted(
        round(s["score"], 3) for s in found.samples
    )
    confusion: Any = found.figures[0]
    assert confusion["counts"] == [[2, 0, 1], [0, 2, 1], [0, 0, 2]]
    assert found.story == "named 75.0\u00a0% of the images right; hardest class: ant (66.7\u00a0% of them found)"
    bars: Any = found.figures[1]
    assert bars["names"][0] in ("cat", "ant")
    assert set(found.scores) == {"default"}
    image = found.wall[0].panels["image"]
    assert np.array_equal(image[::38, ::38], task.data.pictures.shown("val", 0))


def test_thresholds_are_chosen_on_val_and_hold_on_test(three: Path) -> None:
    task = opened(three, model=SMALL | {"activation": "sigmoid"}, loss="focal")

    class Low(nn.Module):
        """Right, but with probabilities below a half."""

        def forward(self, image: Tensor) -> Tensor:
            return Shade(task)(image) / 10 - 2

    batches = {split: list(task.loader(split, train=False, workers=0, batch_size=8)) for split in ("val", "test")}
    val = task.examine(Low(), "val", batches["val"], None)
    assert val.scores["best_threshold"]["f1"] == 1.0
    assert val.kept["thresholds"]["cat"] == pytest.approx(torch.tensor(-1.0).sigmoid().item())
    test = task.examine(Low(), "test", batches["test"], val)
    assert test.kept == val.kept
    assert test.scores["best_threshold"]["recall/bee"] == 1.0


def test_several_labels_have_no_confusion_but_a_worst_label(several: Path) -> None:
    task = opened(several, model=SMALL | {"activation": "sigmoid"}, loss="focal")
    batches = list(task.loader("val", train=False, workers=0, batch_size=4))
    found = task.examine(task.model().eval(), "val", batches, None)
    assert [figure["kind"] for figure in found.figures] == ["bars", "lines", "lines"]
    assert "of the labels right" in found.story
    assert {"truth", "said"} <= set(found.samples[0])


def test_margins_tell_how_wrong_an_image_is() -> None:
    probs = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    assert margins(Answers(probs, np.eye(3, dtype=bool)[[0, 2]], False)).tolist() == pytest.approx([0.5, -0.3])
    labels = np.array([[True, False, False], [True, True, False]])
    assert margins(Answers(probs, labels, True)).tolist() == pytest.approx([0.4, -0.8])


def test_bars_are_coloured_by_what_was_said_and_what_is_so() -> None:
    names = [f"c{i}" for i in range(9)]
    probs = [0.3, 0.25, *[0.05] * 6, 0.01]
    picture = answer_bars(names, probs, truth=[8], said=[0])
    assert holds(picture, FALSE_ALARM)
    assert holds(picture, MISS)  # the true class is shown however unlikely
    assert not holds(picture, HIT)
    assert holds(answer_bars(names, probs, truth=[0], said=[0]), HIT)


def test_snapshots_tell_right_from_wrong() -> None:
    images = [np.zeros((6, 5, 3), np.uint8)] * 3
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    right = grid(images, probs, torch.tensor([0, 1, 0]), ["a", "b"])
    assert not holds(right, FALSE_ALARM)
    assert holds(grid(images, probs, torch.tensor([0, 0, 0]), ["a", "b"]), FALSE_ALARM)
    assert holds(grid(images, probs, torch.tensor([[True, False], [False, False], [True, False]]), ["a", "b"]), HIT)


def test_photographs_are_legible_at_any_size() -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    assert photograph(image).shape == (168, 224, 3)
    assert np.array_equal(photograph(image)[::28, ::28], image)
    assert photograph(np.zeros((900, 600, 3), np.uint8)).shape == (448, 299, 3)
    assert photograph(np.zeros((300, 200, 3), np.uint8)).shape == (300, 200, 3)


def test_long_names_are_cut_with_dots() -> None:
    assert shortened("cat", 100) == "cat"
    cut = shortened("a class with a very long name", 100)
    assert cut.endswith("\u2026")
    assert words(17).getlength(cut) <= 100
