"""Huber loss: e^2 / 2 for |e| <= delta, and delta (|e| - delta / 2) beyond, with e = prediction - target."""

from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.spec import Between, Case, loss
from piste.losses.values.base import ValueKeywords, ValueLoss


def as_printed(prediction: float, target: float, delta: float) -> float:
    """One number."""
    error = abs(prediction - target)
    if error <= delta:
        return error**2 / 2
    return delta * (error - delta / 2)


@loss(
    tasks=("regression", "restoration", "detection"),
    targets=("values",),
    source="Huber 1964, Annals of Mathematical Statistics 35(1), section 2",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"delta": Between(0.01, 10.0, log=True)},
    reference=as_printed,
    variants=({"delta": 0.3},),
    cases=(
        Case({}, [0.5, 5.0], [0.0, 2.0], 1.3125, "errors 1/2 and 3, delta 1: (1/8 + 1 * (3 - 1/2)) / 2"),
        Case({"delta": 2.0}, [1.0, 5.0], [0.0, 2.0], 2.25, "errors 1 and 3, delta 2: (1/2 + 2 * (3 - 1)) / 2"),
    ),
)
class Huber(ValueLoss):
    """Huber loss: squared for small errors, absolute for large ones.

    Equal to `torch.nn.HuberLoss`; divided by delta it is the smooth L1 of detectors.

    Args:
        delta: Size of error, in the unit of the target, from which it counts in proportion, > 0. Raising it comes
            nearer to squared error; lowering it lets outliers pull less.
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Huber 1964, section 2.

    Example:
        >>> import torch
        >>> Huber(delta=1.0)(torch.tensor([0.5, 5.0]), torch.tensor([0.0, 2.0]))
        tensor(1.3125)
    """

    def __init__(self, *, delta: float = 1.0, **common: Unpack[ValueKeywords]) -> None:
        super().__init__(**common)
        self.delta = number("delta", delta, "a size of error", above=0.0)

    def price(self, error: Tensor) -> Tensor:
        """Price each error: its part within delta squared and halved, what is beyond in proportion."""
        near = self.delta * (error / self.delta).clamp(-1, 1)  # a bound that moves would be compiled anew, a factor not
        return near * (error - near / 2)

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, the slope being its part within delta."""
        near = error.clamp(-self.delta, self.delta)
        return torch.sub(error, near, alpha=0.5).mul_(near), near

    def kernel(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Torch's Huber loss."""
        return F.huber_loss(prediction, target, reduction=self.reduction, delta=self.delta)
