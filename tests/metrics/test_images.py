"""Scores of single images, and which is worst."""

import math

import pytest
import torch

from piste.metrics import image_scores, worst_first
from piste.metrics.images import ImageScore


def test_each_image_is_scored_alone():
    predicted = torch.tensor([[[1, 1, 0]], [[0, 0, 0]], [[0, 0, 0]]])
    truth = torch.tensor([[[1, 0, 0]], [[1, 1, 0]], [[0, 0, 0]]])
    scores = image_scores(predicted, truth, classes=2, background=0)
    assert scores[:2] == [ImageScore(0.5, 1), ImageScore(0.0, 2)]
    assert math.isnan(scores[2].iou)
    assert scores[2].wrong == 0


def test_ignored_pixels_do_not_count():
    predicted, truth = torch.tensor([[[1, 1, 0]]]), torch.tensor([[[1, 255, 0]]])
    assert image_scores(predicted, truth, classes=2, background=0) == [ImageScore(1.0, 0)]


def test_the_mean_is_over_the_classes_that_are_there():
    predicted, truth = torch.tensor([[[1, 2, 0, 0]]]), torch.tensor([[[1, 2, 2, 0]]])
    (score,) = image_scores(predicted, truth, classes=4, background=0)
    assert score.iou == pytest.approx((1.0 + 0.5) / 2)


def test_the_worst_image_comes_first_and_untouched_ones_last():
    scores = [ImageScore(0.9, 1), ImageScore(math.nan, 0), ImageScore(0.1, 1), ImageScore(0.1, 8)]
    assert worst_first(scores) == [3, 2, 0, 1]
