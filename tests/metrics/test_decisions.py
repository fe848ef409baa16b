"""Which class a pixel is given."""

import pytest
import torch

from piste.metrics import label_map


def test_exclusive_classes_go_to_the_most_probable_one():
    probs = torch.tensor([[[0.4, 0.2], [0.35, 0.45], [0.25, 0.35]]])
    assert label_map(probs, activation="softmax", background=0).tolist() == [[0, 1]]
    assert label_map(probs, activation="softmax", background=None).tolist() == [[0, 1]]


def test_a_threshold_lets_a_foreground_class_claim_pixels():
    probs = torch.tensor([[[0.6, 0.9], [0.4, 0.1]]])
    for threshold, expected in ((0.5, [[0, 0]]), (0.4, [[1, 0]]), (0.05, [[1, 1]])):
        assert label_map(probs, activation="softmax", background=0, thresholds=threshold).tolist() == expected


def test_the_background_may_be_any_class():
    probs = torch.tensor([[[0.6, 0.3], [0.4, 0.7]]])
    assert label_map(probs, activation="softmax", background=1, thresholds=0.2).tolist() == [[0, 0]]
    assert label_map(probs, activation="softmax", background=1).tolist() == [[0, 1]]


def test_independent_classes_count_from_a_half_and_the_more_probable_wins():
    probs = torch.tensor([[[0.6, 0.5, 0.4], [0.7, 0.1, 0.45]]])  # lake, road
    assert label_map(probs, activation="sigmoid", background=0).tolist() == [[2, 1, 0]]


def test_without_background_some_class_always_wins():
    probs = torch.tensor([[[0.2, 0.6], [0.3, 0.1]]])
    assert label_map(probs, activation="sigmoid", background=None).tolist() == [[1, 0]]


def test_each_class_has_a_threshold_of_its_own():
    probs = torch.tensor([[[0.5, 0.5], [0.3, 0.1], [0.2, 0.4]]])
    said = label_map(probs, activation="softmax", background=0, thresholds=[0.3, 0.5])
    assert said.tolist() == [[1, 0]]


def test_a_class_below_its_threshold_yields_to_one_above_its_own():
    probs = torch.tensor([[[0.3], [0.4], [0.3]]])
    assert label_map(probs, activation="softmax", background=0, thresholds=[0.5, 0.3]).tolist() == [[2]]


def test_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="`activation` must be softmax or sigmoid; got 'tanh'"):
        label_map(torch.rand(1, 2, 3), activation="tanh", background=0)
