"""Quality focal loss: |y - p|^beta times the cross-entropy of p and y, a label in [0, 1]."""

from math import log
from typing import Unpack

from torch import Tensor

from piste.losses.arguments import number
from piste.losses.labels.independent import (
    SMALLEST,
    IndependentKeywords,
    IndependentLoss,
    power,
    surprise,
    surprise_and_logs,
)
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], beta: float) -> float:
    """One label: the pairs [1 - p, p] and [1 - y, y]."""
    surprise = -sum(y * log(p) for p, y in zip(probs, target, strict=True) if y)
    return float(abs(target[1] - probs[1]) ** beta * surprise)


@loss(
    tasks=("detection", "segmentation", "classification"),
    targets=("labels",),
    source="Li et al. 2020, arXiv:2006.04388, eq. 2",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"beta": Between(1.0, 4.0)},
    reference=as_printed,
    variants=({"beta": 1.0}, {"beta": 0.0}),
    cases=(
        Case({}, [[log(3)]], [[0]], 9 / 16 * log(4), "p = 3/4 and the label is 0: (3/4)^2 * -ln 1/4"),
        Case(
            {"beta": 1.0},
            [[log(3)]],
            [[0.5]],
            1 / 4 * (log(4 / 3) + log(4)) / 2,
            "p = 3/4 and the label is 1/2: 1/4 * (1/2 * -ln 3/4 + 1/2 * -ln 1/4)",
        ),
        Case({}, [[log(3)], [0.0]], [[0.75], [0.5]], 0.0, "what meets its label costs nothing"),
    ),
)
class QualityFocal(IndependentLoss):
    """Quality focal loss: focal loss for labels that say how good, such as the overlap that a detection reaches.

    The best p is the label itself, and costs nothing there, unlike cross-entropy. For labels 0 and 1 it is `Focal`
    with sigmoid and gamma = beta.

    Args:
        beta: How fast a score near its label loses its say, >= 0; 0 is cross-entropy. Raising it helps what is far
            off. Below 1 the slope grows without end as a score between 0 and 1 nears its label, and is 0 on it.
        **common: activation ("sigmoid" alone), weight, ignore_index and reduction of `IndependentLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Li et al. 2020, arXiv:2006.04388, eq. 2; beta = 2 is theirs. They divide the sum by the number of
        positives: reduction="sum" gives it.

    Example:
        >>> import torch
        >>> QualityFocal()(torch.zeros(1, 2), torch.tensor([[0.9, 0.0]]))
        tensor(0.1421)
    """

    def __init__(self, *, beta: float = 2.0, **common: Unpack[IndependentKeywords]) -> None:
        super().__init__(**common)
        self.beta = number("beta", beta, "an exponent", low=0.0)

    def price(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price each score by its cross-entropy, less the nearer it is."""
        gap = truth * (-logits).sigmoid() - (1 - truth) * logits.sigmoid()  # y - p, exact where p is nearly 1
        return power(gap.abs(), self.beta) * surprise(logits, truth)

    def price_and_slope(self, logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and its derivative."""
        cost, log_p, log_q = surprise_and_logs(logits, truth)
        p, q = log_p.exp_(), log_q.exp_()
        error = p * (1 - truth) - q * truth  # p - y
        size = error.abs().clamp_(min=SMALLEST)
        weight = size.log().mul_(self.beta).exp_()
        cost.mul_(weight)
        slope = p.mul_(q).mul_(error.sign()).mul_(self.beta).mul_(cost).div_(size)
        return cost, slope.addcmul_(weight, error)
