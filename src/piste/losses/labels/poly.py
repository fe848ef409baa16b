"""Poly-1 loss: -log p_t + epsilon (1 - p_t), with p_t the probability of the true class.

Cross-entropy is the sum of (1 - p_t)^j / j over j = 1, 2, ...; Poly-1 adds epsilon to the first factor.
"""

from math import log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.labels.base import LabelKeywords, LabelLoss
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], epsilon: float) -> float:
    """One element; a soft label weighs both terms, as the paper's code does with smoothed ones."""
    cost = 0.0
    for p, y in zip(probs, target, strict=True):
        cost += y * (epsilon * (1 - p) - log(p))
    return cost


@loss(
    tasks=("classification", "segmentation", "detection"),
    targets=("index", "soft", "labels"),
    source="Leng et al. 2022, arXiv:2204.12511, Poly-1",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"epsilon": Between(-1.0, 5.0)},
    reference=as_printed,
    variants=({"epsilon": -1.0},),
    cases=(
        Case({"epsilon": 2.0}, [[log(3), 0.0]], [1], log(4) + 1.5, "p_t = 1/4: -ln 1/4 + 2 * 3/4"),
        Case(
            {"epsilon": -1.0},
            [[log(3), 0.0], [0.0, 0.0]],
            [0, 1],
            (log(4 / 3) - 1 / 4 + log(2) - 1 / 2) / 2,
            "p_t = 3/4: -ln 3/4 - 1/4; p_t = 1/2: -ln 1/2 - 1/2",
        ),
        Case({"activation": "sigmoid"}, [[log(3)]], [[0]], log(4) + 1.5, "p_t = 1 - 3/4, epsilon 2: -ln 1/4 + 2 * 3/4"),
    ),
)
class Poly(LabelLoss):
    """Poly-1 loss: cross-entropy with one knob on how it treats what is nearly right.

    With soft labels and epsilon > 0 the best p is surer than the label, and with epsilon < 0 less sure.

    Args:
        epsilon: What is added to the factor of 1 - p_t, >= -1; 0 is cross-entropy. Raising it pushes on towards
            certainty where the model is right already; at -1 what is nearly right has next to no slope, as in focal
            loss. The paper takes 2 on ImageNet and -1 for detection, where classes are rare.
        **common: activation, weight, ignore_index and reduction of `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Leng et al. 2022, arXiv:2204.12511.

    Example:
        >>> import torch
        >>> Poly(epsilon=2.0)(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long))
        tensor(1.6931)
    """

    def __init__(self, *, epsilon: float = 2.0, **common: Unpack[LabelKeywords]) -> None:
        super().__init__(**common)
        self.epsilon = number("epsilon", epsilon, "added to a factor of 1", low=-1.0)

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth."""
        return -log_p - self.epsilon * torch.expm1(log_p)

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """The same, and how fast it falls."""
        q = torch.expm1(log_p).neg_() if log_q is None else log_q.exp_()
        return q.mul_(self.epsilon).sub_(log_p), log_p.exp_().mul_(self.epsilon).add_(1)
