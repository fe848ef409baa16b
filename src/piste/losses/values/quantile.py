"""Quantile loss, or pinball: q (target - prediction) if that is positive, else (1 - q) (prediction - target)."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Unpack

import torch
from torch import Tensor

from piste.losses.arguments import numbers
from piste.losses.blocks import Plain, Priced
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
    prediction below its target costs q per unit, one above it 1 - q. Two quantiles, 0.05 and 0.95, enclose 90 % of the
    targets.

    Args:
        q: Which quantile, 0 < q < 1. Raising it makes predictions higher. The default is the median, at half the
            absolute error. A list of quantiles prices a model that forecasts all of them, each along the last axis at
            its own.
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Koenker and Bassett 1978, Regression Quantiles.

    Example:
        >>> import torch
        >>> Quantile(q=0.9)(torch.tensor([1.0]), torch.tensor([3.0]))
        tensor(1.8000)
        >>> Quantile(q=[0.1, 0.9])(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0, 3.0]]))
        tensor(1.)
    """

    _q: Tensor | None

    def __init__(self, *, q: float | Sequence[float] = 0.5, **common: Unpack[ValueKeywords]) -> None:
        super().__init__(**common)
        self.q = q
        self.register_buffer("_q", numbers("q", q, "a quantile", above=0.0, below=1.0), persistent=False)

    def price(self, error: Tensor) -> Tensor:
        """Price what is too low at q, what is too high at 1 - q."""
        assert isinstance(self.q, Real)
        return price(error, self.q)

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, the slope being -q below 0, 1 - q above, and halfway between at 0."""
        assert isinstance(self.q, Real)
        return _price_and_slope(error, self.q)

    def pricing(self, prediction: Tensor) -> tuple[Plain, Priced, tuple[Tensor, ...]]:
        """Each quantile of a list along the last axis."""
        if self._q is None:
            return self.price, self.price_and_slope, ()
        if prediction.shape[-1:] != self._q.shape:
            raise ValueError(
                f"`prediction` must have a number for each of the {len(self._q)} quantiles along its last axis; got "
                f"{list(prediction.shape)}."
            )
        q = self._q.to(prediction.dtype).view(*[1] * (prediction.dim() - 1), -1)
        return price, _price_and_slope, (q,)


def price(error: Tensor, q: Any) -> Tensor:
    """What is too low at q, what is too high at 1 - q."""
    return torch.maximum(-q * error, (1 - q) * error)


def _price_and_slope(error: Tensor, q: Any) -> tuple[Tensor, Tensor]:
    slope = (error.sign() / 2).add_(0.5 - q)
    return slope * error, slope
