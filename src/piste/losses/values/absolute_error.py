"""Absolute error: |prediction - target|."""

from torch import Tensor

from piste.losses.spec import Case, loss
from piste.losses.values.base import ValueLoss


def as_printed(prediction: float, target: float) -> float:
    """One number."""
    return abs(prediction - target)


@loss(
    tasks=("regression", "restoration"),
    targets=("values",),
    source="Boscovich 1757, De litteraria expeditione (least absolute deviations)",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    cases=(
        Case({}, [1.0, 5.0], [2.0, 2.0], 2.0, "errors -1 and 3: (1 + 3) / 2"),
        Case({}, [1.0, 5.0], [2.0, 2.0], 1.5, "1 counts 3 times, 3 once: 6 / 4", {"sample_weight": [3.0, 1.0]}),
    ),
)
class AbsoluteError(ValueLoss):
    """Absolute error, which the median of the target's distribution minimises; outliers pull no harder than others.

    Its slope is the same however small the error, so a falling learning rate has to bring it to rest.

    Args:
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Boscovich 1757, least absolute deviations.

    Example:
        >>> import torch
        >>> AbsoluteError()(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
        tensor(2.)
    """

    def price(self, error: Tensor) -> Tensor:
        """Drop the sign of each error."""
        return error.abs()

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Part each error into its size and its sign."""
        return error.abs(), error.sign()
