"""Gradient difference loss: mean of |(p_i - p_j) - (y_i - y_j)|^alpha over all pairs of neighbours i, j."""

from math import prod
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number, switch
from piste.losses.boundaries.base import ShapeKeywords, ShapeLoss
from piste.losses.regions.areas import over_space
from piste.losses.regions.units import ratio
from piste.losses.spec import Between, Case, loss

_FLAT = 1e-30
"""The smallest difference that has a slope: a root is infinitely steep at 0."""


def as_printed(
    places: list[tuple[int, ...]],
    probs: list[float],
    target: list[float],
    element_weight: list[float],
    alpha: float,
    signed: bool,
) -> float:
    """One class of one image; an edge counts what the lesser of its ends counts."""
    pixels = {place: at for at, place in enumerate(places)}
    cost = total = 0.0
    for place, i in pixels.items():
        for axis in range(len(place)):
            j = pixels.get((*place[:axis], place[axis] + 1, *place[axis + 1 :]))
            if j is not None:
                w = min(element_weight[i], element_weight[j])
                of_probs, of_target = probs[j] - probs[i], target[j] - target[i]
                if not signed:
                    of_probs, of_target = abs(of_probs), abs(of_target)
                cost += w * abs(of_probs - of_target) ** alpha
                total += w
    return cost / total if total else 0.0


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Mathieu et al. 2016, arXiv:1511.05440",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"alpha": Between(1.0, 2.0)},
    reference=as_printed,
    unit="class",
    call="spatial",
    variants=({"signed": False, "alpha": 2.0},),
    waivers={
        "declared_range_is_no_wider_than_need_be": "the ceiling is 2 to the power of alpha, which only a large alpha "
        "brings past 100",
    },
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[[40.0, 0.0], [-40.0, -40.0]]]],
            [[[[1, 0], [1, 0]]]],
            (1 / 2 + 1 + 1 + 1 / 2) / 4,
            "p = (1, 1/2; 0, 0). Along rows p falls by 1/2 and 0, y by 1 and 1; along columns p by 1 and 1/2, y not",
        ),
        Case(
            {"activation": "sigmoid", "alpha": 2.0},
            [[[-40.0, 40.0, 40.0]]],
            [[[1, 0, 0]]],
            2**2 / 2,
            "the first step is up by 1 instead of down by 1; the second is flat in both",
        ),
        Case(
            {"activation": "sigmoid", "signed": False},
            [[[-40.0, 40.0, 0.0]]],
            [[[1, 0, 0]]],
            (0 + 1 / 2) / 2,
            "the first step is as high as the true one; the second is 1/2 and should be flat",
        ),
    ),
)
class GradientDifference(ShapeLoss):
    """Gradient difference loss: edges of the prediction must be where, and as steep as, those of the truth.

    For mattes and masks whose edges come out soft. It says nothing about areas away from edges, so it is added to a
    loss that does, such as `Quadratic()` or `Dice()`. Edges lie between neighbours along each axis of *S.

    Args:
        alpha: Power of a difference, >= 1. Raising it buys fewer large differences at the price of more small ones.
        signed: Whether a step up differs from a step down. The paper compares steps by their height alone, False, so
            that the negative of the truth costs nothing: there it stands beside a loss of the values.
        **common: activation, weight, ignore_index, reduction and classes of `ShapeLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Mathieu et al. 2016, arXiv:1511.05440, where the sum over edges is taken; here the mean, so that the
        size of the image does not matter.

    Example:
        >>> import torch
        >>> edge = torch.tensor([[[0, 0, 1, 1]]])
        >>> GradientDifference(activation="sigmoid")(torch.zeros(1, 1, 4), edge)
        tensor(0.3333)
    """

    def __init__(self, *, alpha: float = 1.0, signed: bool = True, **common: Unpack[ShapeKeywords]) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "a power", low=1.0)
        self.signed = switch("signed", signed)

    def cost(self, probs: Tensor, truth: Tensor, count: Tensor | None) -> Tensor:
        """Average over the edges of all axes."""
        error = probs - truth
        cost = total = error.new_zeros(error.shape[:2])
        for axis in range(2, probs.dim()):
            # the difference of the differences is the difference of the errors
            apart = error.diff(dim=axis) if self.signed else probs.diff(dim=axis).abs() - truth.diff(dim=axis).abs()
            price = apart.abs()
            if self.alpha != 1:
                # x^alpha = exp(alpha log x), in which an alpha that moves does not have to be compiled anew
                price = torch.exp(self.alpha * price.clamp(min=_FLAT).log())
            edges = price.shape[axis]
            if count is None:
                cost, total = cost + over_space(price), total + prod(price.shape[2:])
            else:
                weight = count.narrow(axis, 0, edges).minimum(count.narrow(axis, 1, edges))
                cost, total = cost + over_space(weight * price), total + over_space(weight)
        return ratio(cost, total)
