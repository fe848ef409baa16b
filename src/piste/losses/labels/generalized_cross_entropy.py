"""Generalized cross-entropy: (1 - p_t^q) / q, with p_t the probability of the true class."""

from math import log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.labels.base import LabelKeywords, LabelLoss
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], q: float) -> float:
    """One element; a soft label costs what it costs on average."""
    return float(sum(y * (1 - p**q) / q for p, y in zip(probs, target, strict=True)))


@loss(
    tasks=("classification", "segmentation"),
    targets=("index", "soft", "labels"),
    source="Zhang and Sabuncu 2018, arXiv:1805.07836, the L_q loss",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"q": Between(0.1, 1.0)},
    reference=as_printed,
    variants=({"q": 0.2}, {"q": 1.0}),
    waivers={
        "declared_range_is_no_wider_than_need_be": "the ceiling 1/q depends on q, and q may be as near 0 as one likes",
        "a_sure_mistake_still_has_a_slope": "a label that the model is sure is wrong is meant to have no pull",
    },
    cases=(
        Case({"q": 0.5}, [[log(3), 0.0]], [1], 1.0, "p_t = 1/4: (1 - sqrt(1/4)) / (1/2)"),
        Case({"q": 1.0}, [[log(3), 0.0], [0.0, 0.0]], [1, 0], 0.625, "p_t = 1/4 and 1/2: (3/4 + 1/2) / 2"),
        Case({"q": 0.5, "activation": "sigmoid"}, [[log(3)]], [[0]], 1.0, "p_t = 1 - 3/4: (1 - sqrt(1/4)) / (1/2)"),
    ),
)
class GeneralizedCrossEntropy(LabelLoss):
    """Generalized cross-entropy: between cross-entropy, which learns fast, and absolute error, which forgives.

    A label costs at most 1/q, and one that the model is sure is wrong hardly pulls, so that noise in the labels is
    learned late. For the same reason a bad start is hard to leave.

    Args:
        q: How near to absolute error, 0 < q <= 1: at 1 it is 1 - p_t, and towards 0 it becomes cross-entropy, which
            is left to `CrossEntropy`. Raising it forgives more wrong labels and learns more slowly.
        **common: activation, weight, ignore_index and reduction of `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Zhang and Sabuncu 2018, arXiv:1805.07836; q = 0.7 is theirs. Their truncated form is not part of it.

    Example:
        >>> import torch
        >>> GeneralizedCrossEntropy(q=0.5)(torch.tensor([[1.0986, 0.0]]), torch.tensor([1]))
        tensor(1.0000)
    """

    def __init__(self, *, q: float = 0.7, **common: Unpack[LabelKeywords]) -> None:
        super().__init__(**common)
        self.q = number("q", q, "an exponent", above=0.0, high=1.0)

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth."""
        return -torch.expm1(self.q * log_p) / self.q

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """The same, and how fast it falls."""
        power = log_p.mul_(self.q)
        return torch.expm1(power).div_(-self.q), power.exp_()
