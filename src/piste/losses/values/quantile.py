"""Quantile loss, or pinball: q (target - prediction) if that is positive, else (1 - q) (prediction - target)."""

from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.spec import Between, Case, loss
from piste.losses.values.base import ValueKeywords, ValueLoss


def as_printed(prediction: float, target: float, q: float) -> float:
    """One number."""
    if target >= prediction:
        return q * (target - prediction)
    return (1 - q) * (prediction - target)


@loss(
    tasks=("regression",),
    targets=("values",),
    source="Koenker and Bassett 1978, Econometrica 46(1)",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"q": Between(0.05, 0.95)},
    reference=as_printed,
    variants=({"q": 0.9},),
    cases=(
        Case({"q": 0.9}, [1.0], [3.0], 1.8, "2 too low, at 0.9 each"),
        Case({"q": 0.9}, [3.0], [1.0], 0.2, "2 too high, at 0.1 each"),
        Case({}, [1.0, 5.0], [2.0, 2.0], 1.0, "errors -1 and 3 at 1/2 each: (1/2 + 3/2) / 2"),
    ),
)
class Quantile(ValueLoss):
    """Quantile loss, which the q-quantile of the target's distribution minimises: a forecast that errs on one side.

    Where the model is right about the distribution, a share q of the targets comes out below the prediction. A
    prediction below its target costs q per unit, one above it 1 - q. Two models, one for q = 0.05 and one for 0.95,
    enclose 90 % of the targets.

    Args:
        q: Which quantile, 0 < q < 1. Raising it makes predictions higher. The default is the
            median, at half the absolute error.
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Koenker and Bassett 1978, Regression Quantiles.

    Example:
        >>> import torch
        >>> Quantile(q=0.9)(torch.tensor([1.0]), torch.tensor([3.0]))
        tensor(1.8000)
    """

    def __init__(self, *, q: float = 0.5, **common: Unpack[ValueKeywords]) -> None:
        super().__init__(**common)
        self.q = number("q", q, "a quantile", above=0.0, high=1.0)
        if q == 1:
            raise ValueError(f"`q` must be less than 1, where no prediction could be too high; got {q!r}.")

    def price(self, error: Tensor) -> Tensor:
        """Price what is too low at q, what is too high at 1 - q."""
        return torch.maximum(-self.q * error, (1 - self.q) * error)

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, the slope being -q below 0, 1 - q above, and halfway between at 0."""
        slope = (error.sign() / 2).add_(0.5 - self.q)
        return slope * error, slope
