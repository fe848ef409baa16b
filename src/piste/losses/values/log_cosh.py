"""Log-cosh loss: log(cosh(prediction - target))."""

from math import cosh, exp, log, log1p, tanh

import torch
from torch import Tensor

from piste.losses.spec import Case, loss
from piste.losses.values.base import ValueLoss

_TANH_1 = tanh(1)


def as_printed(prediction: float, target: float) -> float:
    """One number; where cosh would overflow or lose its digits, an identity of it."""
    error = abs(prediction - target)
    if error < 20:
        return log(cosh(error))
    return error + log1p(exp(-2 * error)) - log(2)


@loss(
    tasks=("regression", "restoration"),
    targets=("values",),
    source="Green 1990, IEEE Transactions on Medical Imaging 9(1)",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    cases=(
        Case({}, [log(2)], [0.0], log(1.25), "cosh(ln 2) = (2 + 1/2) / 2 = 5/4"),
        Case({}, [-log(3), 2.0], [0.0, 2.0], log(5 / 3) / 2, "cosh(ln 3) = (3 + 1/3) / 2 = 5/3; the other is right"),
        Case({}, [1000.0], [0.0], 1000 - log(2), "cosh e = e^|e| / 2 for a large error"),
    ),
)
class LogCosh(ValueLoss):
    """Log-cosh: half the squared error where it is small, the absolute error less ln 2 where it is large.

    Like `Huber` with delta = 1, but smooth to every order; its slope is tanh(prediction - target).

    Args:
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Green 1990, where it smooths the differences between neighbours in an image.

    Example:
        >>> import torch
        >>> LogCosh()(torch.tensor([2.0]), torch.tensor([0.0]))
        tensor(1.3250)
    """

    def price(self, error: Tensor) -> Tensor:
        """Price each error."""
        return _log_cosh(error, error.tanh())

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, the slope being its tanh."""
        slope = error.tanh()
        return _log_cosh(error, slope), slope


def _log_cosh(error: Tensor, steep: Tensor) -> Tensor:
    """The part of each error up to 1, and what is beyond, each by an identity of tanh that keeps its digits there."""
    near = steep.clamp(-_TANH_1, _TANH_1)  # tanh of the part up to 1
    up_to_1 = torch.log1p(-near.square()) / -2  # cosh^2 = 1 / (1 - tanh^2)
    size = error.abs()
    ratio = (1 + steep.abs()) / (1 + near.abs())
    return up_to_1 + (size - size.clamp(max=1) - ratio.log())  # cosh e = e^|e| / (1 + tanh |e|)
