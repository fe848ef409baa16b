"""Varifocal loss: q times the cross-entropy of p and q for a label q > 0, -alpha p^gamma log(1 - p) for q = 0."""

from math import log
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.labels.independent import IndependentKeywords, IndependentLoss, surprise, surprise_and_logs
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], alpha: float, gamma: float) -> float:
    """One label: the pairs [1 - p, p] and [1 - q, q]."""
    (not_p, p), (not_q, q) = probs, target
    if q > 0:
        return -q * (q * log(p) + (not_q * log(not_p) if not_q else 0.0))
    return float(-alpha * p**gamma * log(not_p))


@loss(
    tasks=("detection", "segmentation", "classification"),
    targets=("labels",),
    source="Zhang et al. 2021, arXiv:2008.13367, eq. 2",
    value_range=(0.0, float("inf")),
    tendency=lambda alpha: "recall" if alpha <= 1 else "neither",
    search={"alpha": Between(0.25, 1.5), "gamma": Between(0.0, 4.0)},
    reference=as_printed,
    variants=({"alpha": 2.0, "gamma": 0.5},),
    cases=(
        Case({}, [[log(3)]], [[0]], 0.75 * 9 / 16 * log(4), "a negative with p = 3/4: 3/4 * (3/4)^2 * -ln 1/4"),
        Case({}, [[log(3)]], [[1]], log(4 / 3), "p = 3/4 and the label is 1: 1 * -ln 3/4"),
        Case(
            {},
            [[log(3)]],
            [[0.5]],
            (log(4 / 3) + log(4)) / 4,
            "p = 3/4 and the label is 1/2: 1/2 * (1/2 * -ln 3/4 + 1/2 * -ln 1/4)",
        ),
    ),
)
class Varifocal(IndependentLoss):
    """Varifocal loss: easy negatives lose their say, and positives count as much as they are worth.

    The label of a positive says how good it is, such as the overlap that a detection reaches; the best p is that
    label. A label of exactly 0 is a negative; one just above 0 counts next to nothing.

    Args:
        alpha: Price of a negative, > 0. Lowering it buys recall.
        gamma: How fast an easy negative loses its say, >= 0. Raising it buys recall.
        **common: activation ("sigmoid" alone), weight, ignore_index and reduction of `IndependentLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Zhang et al. 2021, arXiv:2008.13367, eq. 2; the defaults are theirs. They divide the sum by the number of
        positives: reduction="sum" gives it.

    Example:
        >>> import torch
        >>> Varifocal()(torch.zeros(1, 2), torch.tensor([[0.9, 0.0]]))
        tensor(0.3769)
    """

    def __init__(self, *, alpha: float = 0.75, gamma: float = 2.0, **common: Unpack[IndependentKeywords]) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "the price of a negative", above=0.0)
        self.gamma = number("gamma", gamma, "an exponent", low=0.0)

    def price(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price each score by its cross-entropy, times the label or what a negative counts."""
        negative = self.alpha * torch.exp(self.gamma * F.logsigmoid(logits))
        return torch.where(truth > 0, truth, negative) * surprise(logits, truth)

    def price_and_slope(self, logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and its derivative."""
        cost, log_p, log_q = surprise_and_logs(logits, truth)
        p, q, is_negative = log_p.exp(), log_q.exp_(), 1 - truth.sign()
        negative = log_p.mul_(self.gamma).exp_().mul_(is_negative).mul_(self.alpha)
        slope = (negative * q).mul_(cost).mul_(self.gamma)  # of the power; now that of the surprise, p - y
        weight = negative.add_(truth)
        slope.addcmul_(p.mul_(1 - truth).addcmul_(q, truth, value=-1), weight)
        return cost.mul_(weight), slope
