"""What the tempered softmax promises: probabilities for any spread of logits, by steps that autograd never sees."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import tempered_sigmoid, tempered_softmax

TEMPERATURES = [0.2, 0.5, 0.9, 0.999999, 1.000001, 1.2, 1.31, 1.5, 2.0, 4.0, 5.0]


def _normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("t", TEMPERATURES)
@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("deviation", [0.1, 1.0, 5.0, 20.0, 100.0, 3000.0])
def test_probabilities_sum_to_1(t, classes, deviation) -> None:
    p = tempered_softmax(deviation * _normal(100, classes), t)
    assert (p >= 0).all()
    assert (p.double().sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("t", [0.2, 0.9, 1.1, 1.3, 1.31, 2.0, 3.0, 5.0])
@pytest.mark.parametrize(("low", "high"), [(-6, 4), (-2, 1), (0, 1)])
def test_steps_suffice_where_distances_differ_by_powers_of_ten(t, low, high) -> None:
    exponent = torch.rand(50, 2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    distance = 10 ** (low + (high - low) * exponent)
    distance[:, 0] = 0
    assert (tempered_softmax(-distance, t).sum(1) - 1).abs().max() < 1e-5


@given(st.floats(1.05, 5.0), st.lists(st.floats(-50, 50), min_size=2, max_size=6))
def test_each_probability_is_exp_t_of_its_distance_to_one_lambda(t, logits) -> None:
    """p = (1 + (1 - t) (a - lambda))^(1 / (1 - t)), so (1 - p^(1 - t)) / (1 - t) + a is the same for all classes."""
    a = torch.tensor([logits], dtype=torch.float64)
    p = tempered_softmax(a, t)
    lambdas = a - (p ** (1 - t) - 1) / (1 - t)
    assert (lambdas - lambdas[0, 0]).abs().max() < 1e-8 * (1 + lambdas.abs().max())


@pytest.mark.parametrize("t", [0.99999, 1.0, 1.00001])
def test_is_softmax_at_1_and_nearly_so_beside_it(t) -> None:
    logits = 3 * _normal(20, 7)
    torch.testing.assert_close(tempered_softmax(logits, t), logits.softmax(1), rtol=2e-4, atol=1e-6)


def test_two_classes_at_t_2_solve_a_square_root() -> None:
    """1 / p = m and m + x with 1 / m + 1 / (m + x) = 1: m = (2 - x + sqrt(x^2 + 4)) / 2."""
    x = torch.linspace(0, 50, 21, dtype=torch.float64)
    m = (2 - x + (x.square() + 4).sqrt()) / 2
    torch.testing.assert_close(tempered_sigmoid(x, 2.0), 1 / m, rtol=1e-12, atol=0)
    torch.testing.assert_close(tempered_sigmoid(-x, 2.0), 1 / (m + x), rtol=1e-12, atol=0)


def test_below_1_what_is_far_behind_gets_nothing_and_above_1_more_than_in_softmax() -> None:
    logits = torch.tensor([[0.0, -1.0, -20.0]])
    assert tempered_softmax(logits, 0.5)[0, 2] == 0
    assert tempered_softmax(logits, 2.0)[0, 2] > 1e6 * logits.softmax(1)[0, 2]


@pytest.mark.parametrize("t", [0.5, 0.9, 1.0, 1.2, 2.0, 4.0])
def test_slopes_and_second_slopes_are_those_of_finite_differences(t) -> None:
    logits = _normal(3, 4, seed=1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: tempered_softmax(a, t), logits)
    assert torch.autograd.gradgradcheck(lambda a: tempered_softmax(a, t), logits)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_any_axis_may_hold_the_classes(dim) -> None:
    logits = _normal(3, 4, 5)
    expected = tempered_softmax(logits.movedim(dim, 1), 1.5).movedim(1, dim)
    torch.testing.assert_close(tempered_softmax(logits, 1.5, dim=dim), expected)


@pytest.mark.parametrize("t", [0.1, 0, -1.0, 6.0, float("nan"), "hot"])
def test_the_temperature_keeps_its_bounds(t) -> None:
    for function in (tempered_softmax, tempered_sigmoid):
        with pytest.raises(ValueError, match=r"`t` is a temperature and must be a number >= 0.2 and <= 5; got"):
            function(torch.zeros(2, 3), t)
