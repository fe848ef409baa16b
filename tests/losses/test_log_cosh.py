"""What log-cosh alone promises: every digit from the smallest error to the largest, and the slope tanh."""

import math

import pytest
import torch

from piste.losses import LogCosh


@pytest.mark.parametrize("error", [1e-18, 1e-6, 1e-3, 0.1])
def test_a_small_error_costs_half_its_square(error) -> None:
    """log cosh e = e^2 / 2 - e^4 / 12 + e^6 / 45 - ..."""
    value = LogCosh()(torch.tensor([error]), torch.zeros(1)).item()
    series = error**2 / 2 - error**4 / 12 + error**6 / 45 - 17 * error**8 / 2520
    assert value == pytest.approx(series, rel=1e-6, abs=0)


@pytest.mark.parametrize("error", [100.0, 1e4, 1e30])
def test_a_large_error_costs_its_size_less_ln_2(error) -> None:
    prediction = torch.tensor([error, -error], requires_grad=True)
    value = LogCosh(reduction="sum")(prediction, torch.zeros(2))
    assert value.item() == pytest.approx(2 * (error - math.log(2)), rel=1e-6)
    value.backward()
    torch.testing.assert_close(prediction.grad, torch.tensor([1.0, -1.0]))


def test_its_slope_is_tanh_without_a_seam() -> None:
    error = torch.linspace(-3, 3, 6001, dtype=torch.float64, requires_grad=True)
    LogCosh(reduction="sum")(error, torch.zeros_like(error)).backward()
    torch.testing.assert_close(error.grad, error.detach().tanh(), rtol=1e-12, atol=1e-15)
