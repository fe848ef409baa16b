"""What BoxL1 alone promises: the sum over four numbers, smooth up to beta."""

import pytest
import torch

from piste.losses import BoxL1

TARGET = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)


def test_a_box_costs_the_sum_over_its_corners() -> None:
    assert BoxL1(beta=0.0)(TARGET + 3, TARGET).item() == pytest.approx(4 * 3)
    assert BoxL1(beta=1.0)(TARGET + 3, TARGET).item() == pytest.approx(4 * 2.5)
    assert BoxL1(beta=6.0)(TARGET + 3, TARGET).item() == pytest.approx(4 * 9 / 12)


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_value_and_slope_are_continuous_at_beta(beta) -> None:
    for error in (beta * (1 - 1e-9), beta * (1 + 1e-9)):
        predicted = (TARGET + error).requires_grad_()
        cost = BoxL1(beta=beta)(predicted, TARGET)
        cost.backward()
        assert cost.item() == pytest.approx(4 * beta / 2, rel=1e-6)
        torch.testing.assert_close(predicted.grad, torch.ones_like(TARGET), rtol=1e-6, atol=0)


def test_far_errors_pull_by_one_whatever_beta() -> None:
    for beta in (0.0, 0.1, 2.0):
        predicted = (TARGET + 5).requires_grad_()
        BoxL1(beta=beta)(predicted, TARGET).backward()
        torch.testing.assert_close(predicted.grad, torch.ones_like(TARGET))


def test_corners_the_wrong_way_round_are_brought_back() -> None:
    predicted = torch.tensor([[7.0, 0.0, 3.0, 10.0]], requires_grad=True)
    BoxL1()(predicted, torch.tensor([[0.0, 0.0, 10.0, 10.0]])).backward()
    assert predicted.grad[0, 0] > 0 > predicted.grad[0, 2]


def test_beta_is_a_size() -> None:
    with pytest.raises(ValueError, match=r"`beta` is a size of error and must be a number >= 0; got -1"):
        BoxL1(beta=-1)
