"""Squared error: (prediction - target)^2."""

from torch import Tensor
from torch.nn import functional as F

from piste.losses.spec import Case, loss
from piste.losses.values.base import ValueLoss


def as_printed(prediction: float, target: float) -> float:
    """One number."""
    return (prediction - target) ** 2


@loss(
    tasks=("regression", "restoration"),
    targets=("values",),
    source="Legendre 1805, Nouvelles methodes pour la determination des orbites des cometes (least squares)",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    cases=(
        Case({}, [1.0, 5.0], [1.0, 2.0], 4.5, "errors 0 and 3: (0 + 9) / 2"),
        Case({}, [3.0, 5.0], [1.0, 2.0], 5.0, "4 counts 4 times, 9 once: 25 / 5", {"sample_weight": [4.0, 1.0]}),
        Case({}, [3.0, 5.0], [1.0, 2.0], 4.0, "only the first counts", {"mask": [True, False]}),
    ),
)
class SquaredError(ValueLoss):
    """Squared error, which the mean of the target's distribution minimises; far outliers rule it.

    Args:
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Legendre 1805, least squares.

    Example:
        >>> import torch
        >>> SquaredError()(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]))
        tensor(4.5000)
    """

    def price(self, error: Tensor) -> Tensor:
        """Square each error."""
        return error.square()

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Square each error, and double it."""
        return error.square(), 2 * error

    def kernel(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Torch's mean squared error."""
        return F.mse_loss(prediction, target, reduction=self.reduction)
