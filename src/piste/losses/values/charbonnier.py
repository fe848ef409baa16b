"""Charbonnier loss: sqrt((prediction - target)^2 + epsilon^2)."""

from math import sqrt
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.spec import Between, Case, loss
from piste.losses.values.base import ValueKeywords, ValueLoss


def as_printed(prediction: float, target: float, epsilon: float) -> float:
    """One number."""
    return sqrt((prediction - target) ** 2 + epsilon**2)


@loss(
    tasks=("restoration", "regression"),
    targets=("values",),
    source="Charbonnier et al. 1994, ICIP; in super-resolution: Lai et al. 2017, arXiv:1704.03915",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"epsilon": Between(1e-4, 0.1, log=True)},
    reference=as_printed,
    variants=({"epsilon": 0.5},),
    cases=(
        Case({"epsilon": 4.0}, [3.0, 1.0], [0.0, 1.0], 4.5, "errors 3 and 0: (sqrt(9 + 16) + sqrt(0 + 16)) / 2"),
        Case({}, [2.0], [2.0], 1e-3, "no error costs epsilon"),
    ),
)
class Charbonnier(ValueLoss):
    """Charbonnier loss: absolute error with the corner at 0 rounded off, at home in super-resolution and denoising.

    An answer that is exactly right costs epsilon, as the paper has it; some subtract that, to the same gradient.

    Args:
        epsilon: Size of error, in the unit of the target, up to which it counts about as its square, > 0. Raising it
            comes nearer to squared error; lowering it to absolute error.
        **common: reduction of `ValueLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Charbonnier et al. 1994, ICIP; Lai et al. 2017, arXiv:1704.03915, whose epsilon for images in [0, 1] is
        the default.

    Example:
        >>> import torch
        >>> Charbonnier(epsilon=4.0)(torch.tensor([3.0]), torch.tensor([0.0]))
        tensor(5.)
    """

    def __init__(self, *, epsilon: float = 1e-3, **common: Unpack[ValueKeywords]) -> None:
        super().__init__(**common)
        self.epsilon = number("epsilon", epsilon, "a size of error", above=0.0)

    def price(self, error: Tensor) -> Tensor:
        """Price each error as the long side of a right triangle, whose square cannot overflow on the way."""
        side = self.epsilon * error.new_ones(())  # a tensor filled with what moves would be compiled anew
        return torch.hypot(error, side)

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, and divide it by its price."""
        cost = self.price(error)
        return cost, error / cost
