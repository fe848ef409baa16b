"""Scores of numbers against counting by hand and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from piste.metrics.names import metric_of
from piste.metrics.regression import RegressionScores, middle_of, regression_metric_names

QUANTILES = [0.1, 0.5, 0.9]


def scored(prediction: torch.Tensor, target: torch.Tensor, quantiles: list[float] | None = None) -> RegressionScores:
    scores = RegressionScores(["height", "age"][: target.shape[1]], quantiles)
    for half in (slice(0, 3), slice(3, None)):
        scores.update(prediction[half], target[half])
    return scores


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def test_errors_counted_by_hand() -> None:
    # errors 1, -2, 0, 3; the truth's mean is 4, its squared distances 9 + 1 + 1 + 9
    found = scored(torch.tensor([[2.0], [1.0], [5.0], [10.0]]), torch.tensor([[1.0], [3.0], [5.0], [7.0]])).compute()
    assert found == pytest.approx({"r2": 1 - 14 / 20, "mae": 6 / 4, "rmse": math.sqrt(14 / 4)})


def test_errors_as_scikit_learn_has_them() -> None:
    said, truth = draw(31, 2), draw(31, 2).roll(1, 0) * torch.tensor([1.0, 40.0])
    found = scored(said, truth).compute()
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, said))
    assert found["r2"] == pytest.approx(sk.r2_score(truth, said))
    assert found["rmse/age"] == pytest.approx(sk.root_mean_squared_error(truth[:, 1], said[:, 1]))
    assert list(found) == regression_metric_names(["height", "age"], None)


def test_an_interval_holds_the_share_of_values_that_it_holds() -> None:
    said = torch.tensor([[[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]], [[0.0, 4.0, 5.0]], [[3.0, 4.0, 5.0]]])
    truth = torch.tensor([[2.0], [2.5], [1.0], [2.0]])
    scores = scored(said, truth, QUANTILES)
    found = scores.compute()
    assert found["interval_coverage"] == 0.5  # its ends are in it
    assert found["interval_width"] == pytest.approx((2 + 2 + 5 + 2) / 4)
    assert found["mae"] == pytest.approx((1 + 1.5 + 3 + 2) / 4)  # of the median
    assert scores.numbers().below().tolist() == [[0.25, 0.5, 0.75]]


def test_quantiles_in_the_wrong_order_are_sorted() -> None:
    said, truth = draw(31, 1, 3), draw(31, 1)
    found = scored(said, truth, QUANTILES).compute()
    assert found == scored(said.flip(2), truth, QUANTILES).compute()
    assert found["interval_width"] > 0


def test_pinball_losses_of_scikit_learn_agree_on_what_is_below() -> None:
    truth = draw(31, 1)
    constant = torch.quantile(truth, torch.tensor(QUANTILES)).expand(31, 1, 3)
    below = scored(constant, truth, QUANTILES).numbers().below()[0]
    assert below.tolist() == pytest.approx(QUANTILES, abs=1 / 31)
    # at the quantile no step to either side costs less
    best = sk.mean_pinball_loss(truth, constant[:, :, 2], alpha=0.9)
    assert best <= min(sk.mean_pinball_loss(truth, constant[:, :, 2] + step, alpha=0.9) for step in (-0.3, 0.3))


def test_the_number_that_stands_for_all_is_nearest_to_the_median() -> None:
    assert [middle_of(each) for each in (None, [0.1, 0.9], [0.05, 0.45, 0.6], [0.5, 0.9])] == [0, 0, 1, 0]


def test_r2_needs_values_that_vary() -> None:
    found = scored(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [3.0]])).compute()
    assert math.isnan(found["r2"])
    assert found["mae"] == 1.5


@pytest.mark.parametrize("quantiles", [None, QUANTILES])
def test_every_name_has_a_meaning(quantiles: list[float] | None) -> None:
    assert all(metric_of(name).meaning for name in regression_metric_names(["height", "age"], quantiles))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`prediction` must be \[2, 1, 3\] and `target` \[2, 1\]; got \[2, 1\]"):
        RegressionScores(["height"], QUANTILES).update(torch.zeros(2, 1), torch.zeros(2, 1))
    assert np.isfinite(scored(draw(9, 1), draw(9, 1)).compute()["mae"])
