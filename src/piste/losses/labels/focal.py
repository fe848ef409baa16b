"""Focal loss: -alpha_t (1 - p_t)^gamma log p_t, with p_t the probability of the true class.

With sigmoid alpha_t is alpha for a positive and 1 - alpha for a negative.
"""

from math import log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.labels.base import LabelKeywords, LabelLoss
from piste.losses.spec import Between, Case, loss

_NEVER_SURE, _NEVER_NAUGHT = -1e-30, -69.0
"""The largest log p and the least log(1 - p): at 0 the slope of (1 - p)^gamma is infinite for gamma < 1, though that of
the loss is 0."""


def as_printed(probs: list[float], target: list[float], gamma: float, alpha: float | None) -> float:
    """One element; a soft label costs what it costs on average."""
    prices = [1.0] * len(probs) if alpha is None else [1 - alpha, alpha]
    cost = 0.0
    for p, y, price in zip(probs, target, prices, strict=True):
        cost -= y * price * (1 - p) ** gamma * log(p)
    return cost


@loss(
    tasks=("detection", "segmentation", "classification"),
    targets=("index", "soft", "labels"),
    source="Lin et al. 2017, arXiv:1708.02002, eq. 4 and 5",
    value_range=(0.0, float("inf")),
    tendency=lambda alpha: "neither" if alpha is None or alpha == 0.5 else "recall" if alpha > 0.5 else "precision",
    search={"gamma": Between(0.0, 5.0)},
    reference=as_printed,
    variants=({"gamma": 0.5}, {"activation": "sigmoid", "alpha": 0.25}),
    cases=(
        Case({"gamma": 2.0}, [[log(3), 0.0]], [1], 9 / 16 * log(4), "p_t = 1/4: (3/4)^2 * -ln 1/4"),
        Case({"gamma": 2.0}, [[log(3), 0.0]], [0], 1 / 16 * log(4 / 3), "p_t = 3/4: (1/4)^2 * -ln 3/4"),
        Case(
            {"gamma": 1.0, "alpha": 0.25, "activation": "sigmoid"},
            [[0.0], [log(3)]],
            [[1], [0]],
            (1 / 4 * 1 / 2 * log(2) + 3 / 4 * 3 / 4 * log(4)) / 2,
            "the positive: 1/4 * 1/2 * -ln 1/2; the negative, p_t = 1/4: 3/4 * 3/4 * -ln 1/4; their mean is over 2",
        ),
    ),
)
class Focal(LabelLoss):
    """Focal loss: cross-entropy that turns its attention from what is easy to what is hard.

    The mean is over the elements that count. Detectors divide the sum by the number of positive anchors instead:
    reduction="sum" gives it. With soft labels the best p is not the label, but nearer to 1/2.

    Args:
        gamma: How fast an easy element loses its say, >= 0; 0 is cross-entropy. Raising it helps rare and hard
            classes, and lets wrong labels weigh more.
        alpha: Share of the price that a positive pays, in [0, 1], with sigmoid only; None for prices of 1. Raising
            it buys recall. The paper's 0.25 goes with gamma = 2 and many negatives; it makes positives cheaper than
            negatives, which for segmentation is seldom meant. For exclusive classes use `weight`.
        **common: activation, weight, ignore_index and reduction of `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Lin et al. 2017, arXiv:1708.02002, eq. 4 and 5.

    Example:
        >>> import torch
        >>> Focal(gamma=2.0)(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long))
        tensor(0.1733)
    """

    def __init__(self, *, gamma: float = 2.0, alpha: float | None = None, **common: Unpack[LabelKeywords]) -> None:
        super().__init__(**common)
        self.gamma = number("gamma", gamma, "an exponent", low=0.0)
        self.alpha = alpha if alpha is None else number("alpha", alpha, "a share", low=0.0, high=1.0)
        if alpha is not None and self.activation == "softmax":
            raise ValueError(
                f'`alpha` splits the price between positives and negatives and needs activation="sigmoid"; '
                f"got {alpha!r} with softmax. Use weight=, one number per class."
            )

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth, less the surer it is."""
        log_p = log_p.clamp(max=_NEVER_SURE)
        # x^gamma = exp(gamma log x), in which a gamma that moves does not have to be compiled anew
        return -torch.exp(self.gamma * torch.log(-torch.expm1(log_p))) * log_p

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """The same, and how fast it falls."""
        if log_q is None:
            log_p = log_p.clamp(max=_NEVER_SURE)
            log_q = torch.log(-torch.expm1(log_p))
        else:
            log_q = log_q.clamp_(min=_NEVER_NAUGHT)
        odds, power = (log_p - log_q).exp_(), log_q.mul_(self.gamma).exp_()
        cost = log_p.mul_(power).neg_()
        return cost, power.addcmul_(odds, cost, value=self.gamma)

    def sides(self, logits: Tensor) -> tuple[float | Tensor, float | Tensor] | None:
        """Split the price between negatives and positives."""
        return None if self.alpha is None else (1 - self.alpha, self.alpha)
