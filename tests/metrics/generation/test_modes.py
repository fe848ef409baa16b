import math

import pytest
import torch

from piste.metrics.generation.modes import judge_modes, mode_features
from piste.metrics.generation.scores import GenerationScores

CENTRES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_points_count_within_three_deviations():
    points = torch.tensor([[2.99, 0.0], [3.01, 0.0], [10.0, -2.9], [5.0, 5.0]])
    modes = judge_modes(points, CENTRES, deviation=1.0)
    assert modes.inside.tolist() == [True, False, True, False]
    assert modes.high_quality == 0.5
    assert modes.counts.tolist() == [1, 1, 0, 0]


def test_a_mode_is_covered_by_a_fifth_of_its_share():
    def covered(count):  # of 80 points, 20 are a mode's share
        points = CENTRES[[0] * (80 - count) + [1] * count]
        return judge_modes(points, CENTRES, deviation=1.0).covered.item()

    assert covered(4) == 0.5
    assert covered(3) == 0.25


def test_features_are_1_at_a_mode_and_fall_with_its_reach():
    features = mode_features(torch.tensor([[0.0, 0.0], [0.0, 3.0]]), CENTRES[:1], deviation=1.0)
    assert features[:, 0].tolist() == pytest.approx([1.0, math.exp(-0.5)])


def test_scores_know_a_dropped_mode_from_a_true_imitation():
    torch.manual_seed(0)
    real = CENTRES.repeat(100, 1) + 0.1 * torch.randn(400, 2)

    def scored(fake):
        scores = GenerationScores(lambda x: mode_features(x, CENTRES, 0.1), (CENTRES, 0.1))
        for start in (0, 200):
            scores.add(real[start : start + 200], fake[start : start + 200])
        return scores.compute()

    true = scored(CENTRES.repeat(100, 1) + 0.1 * torch.randn(400, 2))
    dropped = scored(CENTRES[:3].repeat(134, 1)[:400] + 0.1 * torch.randn(400, 2))
    assert true["frechet_distance"] < 0.01 < dropped["frechet_distance"]
    assert (true["modes_covered"], dropped["modes_covered"]) == (1.0, 0.75)
    assert dropped["sample_precision"] > 0.85
    assert dropped["sample_recall"] < 0.8 < true["sample_recall"]
    p, r = true["sample_precision"], true["sample_recall"]
    assert true["sample_f1"] == pytest.approx(2 * p * r / (p + r))


def test_samples_that_are_not_finite_have_no_score():
    scores = GenerationScores(lambda x: x)
    scores.add(torch.randn(8, 2), torch.full((8, 2), torch.nan))
    assert all(math.isnan(value) for value in scores.compute().values())
