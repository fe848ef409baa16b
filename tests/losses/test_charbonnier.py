"""What Charbonnier alone promises: absolute error with a round bottom as wide as epsilon."""

import pytest
import torch

from piste.losses import Charbonnier


def test_far_beyond_epsilon_it_is_the_absolute_error() -> None:
    error = torch.tensor([-7.0, 3.0, 1e30])
    torch.testing.assert_close(Charbonnier(reduction="none")(error, torch.zeros(3)), error.abs())


@pytest.mark.parametrize("epsilon", [1e-3, 0.5])
def test_within_epsilon_it_is_a_parabola_with_a_finite_slope_at_no_error(epsilon) -> None:
    """sqrt(e^2 + epsilon^2) = epsilon + e^2 / (2 epsilon) - ..."""
    error = torch.tensor([0.0, epsilon / 100], dtype=torch.float64, requires_grad=True)
    costs = Charbonnier(epsilon=epsilon, reduction="none")(error, torch.zeros(2))
    expected = epsilon * torch.tensor([1.0, 1 + 0.01**2 / 2], dtype=torch.float64)
    torch.testing.assert_close(costs, expected, rtol=1e-8, atol=0)
    costs.sum().backward()
    torch.testing.assert_close(error.grad, torch.tensor([0.0, 0.01], dtype=torch.float64), rtol=1e-4, atol=0)


@pytest.mark.parametrize("epsilon", [0, -1.0, float("nan")])
def test_epsilon_must_be_a_size(epsilon) -> None:
    with pytest.raises(ValueError, match=r"`epsilon` is a size of error and must be a number > 0; got"):
        Charbonnier(epsilon=epsilon)
