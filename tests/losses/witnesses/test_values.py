"""Value losses beside independent implementations."""

import pytest
import torch
from kornia.losses import charbonnier_loss
from torch.nn import functional as F
from torchmetrics.functional import log_cosh_error

from piste.losses import AbsoluteError, Charbonnier, Huber, LogCosh, SquaredError

from .conftest import example
from .toolbelt import LogCoshLoss

PREDICTION, TARGET = 3 * example(2, 4, 7, 5)


def test_squared_error_is_torch_s(witness) -> None:
    witness("squared_error", "torch mse_loss", SquaredError()(PREDICTION, TARGET), F.mse_loss(PREDICTION, TARGET))


def test_absolute_error_is_torch_s(witness) -> None:
    witness("absolute_error", "torch l1_loss", AbsoluteError()(PREDICTION, TARGET), F.l1_loss(PREDICTION, TARGET))


@pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
def test_huber_is_torch_s_and_smooth_l1_times_delta(witness, delta) -> None:
    got = Huber(delta=delta)(PREDICTION, TARGET)
    witness("huber", "torch huber_loss", got, F.huber_loss(PREDICTION, TARGET, delta=delta))
    witness("huber", "torch smooth_l1_loss", got, delta * F.smooth_l1_loss(PREDICTION, TARGET, beta=delta))


def test_charbonnier_with_epsilon_1_is_kornia_s_plus_1(witness) -> None:
    """Kornia follows Barron, who subtracts epsilon and sets it to 1."""
    got = Charbonnier(epsilon=1.0, reduction="none")(PREDICTION, TARGET)
    witness("charbonnier", "kornia charbonnier_loss", got, charbonnier_loss(PREDICTION, TARGET) + 1)


def test_log_cosh_is_pytorch_toolbelt_s_and_torchmetrics(witness) -> None:
    got = LogCosh()(PREDICTION, TARGET)
    witness("log_cosh", "pytorch-toolbelt LogCoshLoss", got, LogCoshLoss()(PREDICTION, TARGET))
    witness("log_cosh", "torchmetrics log_cosh_error", got, log_cosh_error(PREDICTION.flatten(), TARGET.flatten()))


def test_pytorch_toolbelt_is_wrong_about_small_errors() -> None:
    """In float32 it cancels softplus(-2 e) + e against ln 2, and an error of 1e-4 costs anything but 5e-9."""
    error = torch.tensor([1e-4])
    assert LogCosh()(error, torch.zeros(1)).item() == pytest.approx(5e-9, rel=1e-6)
    assert LogCoshLoss()(error, torch.zeros(1)).item() != pytest.approx(5e-9, rel=0.5)
