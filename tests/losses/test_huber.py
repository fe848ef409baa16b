"""What Huber alone promises: squared within delta, absolute beyond."""

import pytest
import torch

from piste.losses import Huber

PREDICTION, TARGET = torch.randn(2, 2, 3, 7, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_is_torch_huber_loss(delta, reduction) -> None:
    prediction = PREDICTION.clone().requires_grad_()
    value = Huber(delta=delta, reduction=reduction)(prediction, TARGET)
    expected = torch.nn.functional.huber_loss(prediction, TARGET, delta=delta, reduction=reduction)
    torch.testing.assert_close(value, expected)
    slopes = [torch.autograd.grad(each.sum(), prediction)[0] for each in (value, expected)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("delta", [0.5, 2.0])
def test_no_error_pulls_harder_than_delta(delta) -> None:
    error = torch.tensor([-100.0, -delta, 0.0, delta / 2, 100.0], requires_grad=True)
    Huber(delta=delta, reduction="sum")(error, torch.zeros(5)).backward()
    torch.testing.assert_close(error.grad, torch.tensor([-delta, -delta, 0.0, delta / 2, delta]))


@pytest.mark.parametrize("delta", [0.0, -1.0, None])
def test_delta_must_be_a_size(delta) -> None:
    with pytest.raises(ValueError, match=r"`delta` is a size of error and must be a number > 0; got"):
        Huber(delta=delta)
