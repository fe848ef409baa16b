"""Predictions hit greedily by score, one object each, and lie on crowds without a price."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from piste.metrics.box_matches import match


def said(*rows):
    """Predictions: (score, left, top, right, bottom) or with a label at the end."""
    return {
        "boxes": torch.tensor([row[1:5] for row in rows], dtype=torch.float32).view(-1, 4),
        "scores": torch.tensor([row[0] for row in rows], dtype=torch.float32),
        "labels": torch.tensor([row[5] if len(row) > 5 else 1 for row in rows], dtype=torch.int64),
    }


def true(*rows, crowd=()):
    """True objects: (left, top, right, bottom) or with a label at the end."""
    return {
        "boxes": torch.tensor([row[:4] for row in rows], dtype=torch.float32).view(-1, 4),
        "labels": torch.tensor([row[4] if len(row) > 4 else 1 for row in rows], dtype=torch.int64),
        "crowd": torch.tensor([place in crowd for place in range(len(rows))], dtype=torch.bool),
    }


def test_the_higher_score_takes_the_object_and_the_lower_is_a_false_alarm():
    found = match(said((0.4, 0, 0, 10, 10), (0.9, 0, 0, 10, 9)), true((0, 0, 10, 10)))
    assert found.truth.tolist() == [-1, 0]
    assert found.hit.tolist() == [True]


def test_an_overlap_of_exactly_one_half_hits():
    assert match(said((0.9, 0, 0, 10, 5)), true((0, 0, 10, 10))).truth.tolist() == [0]
    assert match(said((0.9, 0, 0, 10, 4.9)), true((0, 0, 10, 10))).truth.tolist() == [-1]
    assert match(said((0.9, 0, 0, 10, 7)), true((0, 0, 10, 10)), min_iou=0.75).truth.tolist() == [-1]


def test_of_two_objects_the_closer_one_is_taken():
    truth = true((0, 0, 10, 10), (1, 0, 11, 10))
    assert match(said((0.9, 1, 0, 11, 10)), truth).truth.tolist() == [1]
    assert match(said((0.9, 1, 0, 11, 10), (0.8, 1, 0, 11, 10)), truth).truth.tolist() == [1, 0]


def test_a_box_of_another_class_hits_nothing():
    assert match(said((0.9, 0, 0, 10, 10, 2)), true((0, 0, 10, 10))).truth.tolist() == [-1]


def test_a_crowd_takes_any_number_that_lies_on_it_and_none_is_a_hit():
    truth = true((0, 0, 100, 100), (0, 0, 10, 10), crowd=[0])
    found = match(said((0.9, 0, 0, 10, 10), (0.8, 40, 40, 50, 50), (0.7, 95, 0, 105, 10), (0.6, 96, 0, 106, 10)), truth)
    assert found.truth.tolist() == [1, -2, -2, -1]  # the third is half on the crowd, the fourth less
    assert found.hit.tolist() == [False, True]


def test_what_is_below_the_threshold_neither_hits_nor_counts():
    found = match(said((0.9, 50, 50, 60, 60), (0.4, 0, 0, 10, 10)), true((0, 0, 10, 10)), min_score=0.5)
    assert found.truth.tolist() == [-1, -2]
    assert found.hit.tolist() == [False]


@pytest.mark.parametrize(("predictions", "truths"), [(0, 2), (2, 0), (0, 0)])
def test_nothing_hits_nothing(predictions, truths):
    found = match(said(*[(0.5, 0, 0, 1, 1)] * predictions), true(*[(0, 0, 1, 1)] * truths))
    assert found.truth.tolist() == [-1] * predictions
    assert found.hit.tolist() == [False] * truths


boxes = st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 8)] * 2, st.integers(1, 2)), max_size=7)


@settings(deadline=None, max_examples=80)
@given(boxes, boxes, st.sampled_from([0.3, 0.5, 0.75]))
def test_matches_are_those_of_a_plain_search(predicted, truths, min_iou):
    prediction = said(*((0.9 - 0.1 * i, x, y, x + w, y + h, k) for i, (x, y, w, h, k) in enumerate(predicted)))
    target = true(*((x, y, x + w, y + h, k) for x, y, w, h, k in truths))
    overlaps = box_iou(prediction["boxes"].double(), target["boxes"].double()).numpy()
    free, wanted = set(range(len(truths))), []
    for i in range(len(predicted)):
        rivals = [j for j in free if predicted[i][4] == truths[j][4] and overlaps[i, j] >= min_iou]
        best = max(rivals, key=lambda j: (overlaps[i, j], -j), default=-1)
        free.discard(best)
        wanted.append(best)
    found = match(prediction, target, min_iou=min_iou)
    assert found.truth.tolist() == wanted
    np.testing.assert_array_equal(np.flatnonzero(~found.hit), sorted(free))
