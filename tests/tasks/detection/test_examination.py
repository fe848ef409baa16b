"""The last look at a detector: thresholds, figures, and pictures with what was found, missed and made up."""

import numpy as np
import pytest
import torch

from piste.tasks.detection.drawing import FALSE_ALARM, HIT, MISS, draw_boxes, hits_and_misses
from tests.tasks.detection.squares import Reader, opened


def examined(task, model, split="val", before=None):
    return task.examine(model, split, task.loader(split, train=False, workers=0, batch_size=3), before)


def test_a_right_model_is_right_at_the_threshold_that_val_chose(squares):
    task = opened(squares)
    val = examined(task, Reader(score=0.6))
    assert val.kept["thresholds"] == pytest.approx({"red": 0.6, "blue": 0.3})
    assert val.scores["default"]["recall/blue"] == 0.0  # its scores are 0.3
    assert val.scores["best_threshold"]["f1"] == 1.0
    test = examined(task, Reader(score=0.6), "test", val)
    assert test.kept == val.kept
    assert (
        val.story
        == "found 100\u00a0% of the objects, and 0\u00a0% of its boxes hold none; found least of red (100\u00a0%)"
    )


def test_the_images_with_most_mistakes_come_first(squares):
    found = examined(opened(squares), Reader(blind=2))
    # images 1 and 3 have a blue square that is missed; the red ones are all found
    assert [sample["misses"] for sample in found.samples] == [1, 1, 0, 0]
    assert found.samples[0]["score"] == pytest.approx(2 / 3)
    assert found.wall[0].name == found.samples[0]["name"]
    assert found.wall[0].note.startswith("1 found, 1 missed, 0 false alarms (blue: found, yellow: missed")
    assert list(found.wall[0].panels) == ["truth", "predicted"]


def test_figures_say_what_precision_costs_and_how_many_were_counted(squares):
    curves, f1, counts = examined(opened(squares), Reader()).figures
    assert [series["name"] for series in curves["series"]] == ["red", "blue"]
    assert curves["series"][0]["y"] == [1.0]
    assert f1["series"][0]["x"] == pytest.approx([0.9])
    assert counts["series"][0]["x"] == counts["series"][0]["y"] == [1, 2, 1, 2]


def colours_of(picture):
    return {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}


def test_hits_misses_and_false_alarms_have_their_colours():
    image = np.zeros((448, 448, 3), dtype=np.uint8)
    target = {
        "boxes": torch.tensor([[10.0, 10, 50, 50], [100.0, 100, 160, 160], [200.0, 200, 300, 300]]),
        "labels": torch.tensor([1, 1, 1]),
        "crowd": torch.tensor([False, False, True]),
    }
    found = {
        "boxes": torch.tensor([[10.0, 10, 50, 52], [300.0, 30, 340, 60], [210.0, 210, 260, 260], [90.0, 90, 99, 99]]),
        "labels": torch.tensor([1, 1, 1, 1]),
        "scores": torch.tensor([0.9, 0.8, 0.7, 0.1]),
    }
    panels, numbers = hits_and_misses(image, found, target, [0.5], ["tree"])
    assert numbers == {"hits": 1, "misses": 1, "false_alarms": 1}  # on a crowd, and below the threshold: nothing
    assert panels["truth"][10 + 1, 30].tolist() == list(HIT)
    assert panels["truth"][100 + 1, 130].tolist() == list(MISS)
    assert panels["predicted"][52 - 1, 30].tolist() == list(HIT)
    assert panels["predicted"][60 - 1, 320].tolist() == list(FALSE_ALARM)
    assert MISS not in colours_of(panels["predicted"])
    assert (panels["predicted"][200:270, 200:270] == 0).all()


def test_small_images_are_enlarged_with_their_boxes():
    picture = draw_boxes(np.zeros((64, 96, 3), dtype=np.uint8), [[8.0, 8, 40, 40]], [HIT])
    assert picture.shape == (5 * 64, 5 * 96, 3)
    assert picture[5 * 8 + 1, 5 * 20].tolist() == list(HIT)


def test_a_box_that_is_a_point_is_drawn_as_one():
    picture = draw_boxes(
        np.zeros((320, 320, 3), dtype=np.uint8), [[319.5, 319.0, 320.0, 320.0], [9, 9, 9, 9]], [HIT] * 2
    )
    assert picture[10, 10].tolist() == list(HIT)
