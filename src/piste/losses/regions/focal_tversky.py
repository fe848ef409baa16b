"""Focal Tversky loss: (1 - T)^(1 / gamma), with T = tp / (tp + alpha fp + beta fn) of one class."""

from math import log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.regions.base import RegionKeywords, RegionLoss
from piste.losses.regions.units import ratio
from piste.losses.spec import Between, Case, loss

_FLAWLESS = 1e-30
"""The smallest 1 - T that has a slope: a root is infinitely steep at 0."""


def as_printed(
    probs: list[float],
    target: list[float],
    element_weight: list[float],
    alpha: float,
    beta: float,
    gamma: float,
    smooth: float,
) -> float:
    """One class; a soft label is met as far as the smaller of p and y reaches."""
    tp = fp = fn = 0.0
    for p, y, w in zip(probs, target, element_weight, strict=True):
        tp += w * min(p, y)
        fp += w * max(p - y, 0.0)
        fn += w * max(y - p, 0.0)
    whole = tp + alpha * fp + beta * fn + smooth
    return (1 - (tp + smooth) / whole) ** (1 / gamma) if whole else 0.0


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Abraham and Khan 2019, arXiv:1810.07842",
    value_range=(0.0, 1.0),
    tendency=lambda alpha, beta: "recall" if beta > alpha else "precision" if alpha > beta else "neither",
    search={"alpha": Between(0.1, 0.9), "beta": Between(0.1, 0.9), "gamma": Between(1.0, 3.0)},
    reference=as_printed,
    variants=({"alpha": 0.5, "beta": 1.5, "gamma": 2.0}, {"smooth": 1.0, "gamma": 0.75}),
    cases=(
        Case(
            {"activation": "sigmoid", "alpha": 1.0, "beta": 2.0, "gamma": 2.0},
            [[[0.0, 0.0]]],
            [[[1, 1]]],
            (2 / 3) ** 0.5,
            "hits 1, misses 1 at price 2: T = 1 / (1 + 2), and the root of 2/3",
        ),
        Case(
            {"activation": "sigmoid", "alpha": 0.5, "beta": 2.0, "gamma": 0.5},
            [[[40.0, 0.0, 0.0]]],
            [[[1, 0, 0]]],
            1 / 9,
            "one hit, two false alarms of 1/2 at price 1/2: T = 1 / (1 + 1/2), and the square of 1/3",
        ),
        Case(
            {"alpha": 1.0, "beta": 1.0, "gamma": 0.5},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            ((1 / 2) ** 2 + (3 / 5) ** 2) / 2,
            "1 - T is 1/2 for class 0 and 3/5 for class 1; each is squared before the mean",
        ),
    ),
)
class FocalTversky(RegionLoss):
    """Focal Tversky loss: Tversky, bent so that classes that overlap well keep a say.

    Args:
        alpha: Price of a false positive, >= 0. Raising it buys precision. (The paper's beta.)
        beta: Price of a false negative, >= 0. Raising it buys recall. (The paper's alpha.)
        gamma: Root that is taken of each class's 1 - T, > 0, as in the paper, which searches 1 to 3 and picks 4/3.
            Above 1 the slope is steepest for classes that are nearly right; below 1 for those that are still wrong.
            Several peers take the power gamma instead, some after the mean over classes: their gamma is 1 / gamma here.
        **common: activation, weight, ignore_index, reduction, per_image, classes, absent and smooth of `RegionLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Abraham and Khan 2019, arXiv:1810.07842.

    Example:
        >>> import torch
        >>> FocalTversky(gamma=1.0, activation="sigmoid")(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor(0.4118)
    """

    def __init__(
        self, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 4 / 3, **common: Unpack[RegionKeywords]
    ) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "the price of a false positive", low=0.0)
        self.beta = number("beta", beta, "the price of a false negative", low=0.0)
        if alpha == beta == 0:
            raise ValueError("`alpha` and `beta` must not both be 0: then nothing has a price; got 0 and 0.")
        self.gamma = number("gamma", gamma, "a root", above=0.0)

    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price what is wrong, as a share of hits and priced mistakes, and take the root."""
        wrong = self.alpha * fp + self.beta * fn
        distance = ratio(wrong, tp + wrong + self.smooth).clamp(min=_FLAWLESS)
        # x^(1 / gamma) = exp(log x / gamma), in which a gamma that moves does not have to be compiled anew
        return torch.exp(torch.log(distance) / self.gamma)
