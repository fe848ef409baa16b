"""What squared error alone promises: torch's own, with its best value at the mean."""

import pytest
import torch

from piste.losses import SquaredError

PREDICTION, TARGET = torch.randn(2, 2, 3, 7, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_is_torch_mse_loss(reduction) -> None:
    expected = torch.nn.functional.mse_loss(PREDICTION, TARGET, reduction=reduction)
    torch.testing.assert_close(SquaredError(reduction=reduction)(PREDICTION, TARGET), expected)


def test_the_best_constant_is_the_mean() -> None:
    constant = TARGET.mean().requires_grad_()
    SquaredError()(constant.expand_as(TARGET), TARGET).backward()
    torch.testing.assert_close(constant.grad, torch.tensor(0.0), atol=1e-6, rtol=0)


def test_squares_of_half_precision_do_not_overflow() -> None:
    far = torch.full((3,), 1e4, dtype=torch.float16)
    torch.testing.assert_close(SquaredError()(far, -far), torch.tensor(4e8))
