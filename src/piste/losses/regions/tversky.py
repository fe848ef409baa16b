"""Tversky loss: 1 - tp / (tp + alpha fp + beta fn), one class's overlap with separate prices for its mistakes.

It is computed as (alpha fp + beta fn) / (tp + alpha fp + beta fn + smooth), so that nothing cancels.
"""

from math import log
from typing import Unpack

from torch import Tensor

from piste.losses.arguments import number
from piste.losses.regions.base import RegionKeywords, RegionLoss
from piste.losses.regions.units import ratio
from piste.losses.spec import Between, Case, loss


def as_printed(
    probs: list[float], target: list[float], element_weight: list[float], alpha: float, beta: float, smooth: float
) -> float:
    """One class; a soft label is met as far as the smaller of p and y reaches."""
    tp = fp = fn = 0.0
    for p, y, w in zip(probs, target, element_weight, strict=True):
        tp += w * min(p, y)
        fp += w * max(p - y, 0.0)
        fn += w * max(y - p, 0.0)
    whole = tp + alpha * fp + beta * fn + smooth
    return 1 - (tp + smooth) / whole if whole else 0.0


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Salehi et al. 2017, arXiv:1706.05721, eq. 4",
    value_range=(0.0, 1.0),
    tendency=lambda alpha, beta: "recall" if beta > alpha else "precision" if alpha > beta else "neither",
    search={"alpha": Between(0.1, 0.9), "beta": Between(0.1, 0.9)},
    reference=as_printed,
    variants=({"alpha": 0.5, "beta": 1.5}, {"smooth": 1.0}),
    cases=(
        Case(
            {"activation": "sigmoid", "alpha": 0.5, "beta": 2.0},
            [[[40.0, 0.0, 0.0]]],
            [[[1, 0, 0]]],
            1 / 3,
            "one hit and two false alarms of 1/2 at price 1/2 each: 1 - 1 / (1 + 1/2)",
        ),
        Case(
            {"activation": "sigmoid", "alpha": 0.5, "beta": 2.0},
            [[[40.0, 0.0, -40.0]]],
            [[[1, 1, 0]]],
            0.4,
            "hits of 1 and 1/2 and a miss of 1/2 at price 2: 1 - 1.5 / (1.5 + 1)",
        ),
        Case(
            {"alpha": 1.0, "beta": 1.0},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            (1 - 0.75 / 1.5 + 1 - 0.5 / 1.25) / 2,
            "p of class 0 is (3/4, 1/2): hit 3/4, false 1/2, miss 1/4; class 1: hit 1/2, false 1/4, miss 1/2",
        ),
    ),
)
class Tversky(RegionLoss):
    """Tversky loss: overlap, with separate prices for false positives and false negatives.

    alpha = beta = 0.5 is Dice, alpha = beta = 1 is Jaccard. Prices that sum to 1 keep the scale of Dice.

    Args:
        alpha: Price of a false positive, >= 0. Raising it buys precision.
        beta: Price of a false negative, >= 0. Raising it buys recall.
        **common: activation, weight, ignore_index, reduction, per_image, classes, absent and smooth of `RegionLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Salehi et al. 2017, arXiv:1706.05721; its pick for small lesions, alpha = 0.3 and beta = 0.7, is the
        default here.

    Example:
        >>> import torch
        >>> Tversky(alpha=0.3, beta=0.7, activation="sigmoid")(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor(0.4118)
    """

    def __init__(self, *, alpha: float = 0.3, beta: float = 0.7, **common: Unpack[RegionKeywords]) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "the price of a false positive", low=0.0)
        self.beta = number("beta", beta, "the price of a false negative", low=0.0)
        if alpha == beta == 0:
            raise ValueError("`alpha` and `beta` must not both be 0: then nothing has a price; got 0 and 0.")

    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price what is wrong, as a share of hits and priced mistakes."""
        wrong = self.alpha * fp + self.beta * fn
        return ratio(wrong, tp + wrong + self.smooth)
