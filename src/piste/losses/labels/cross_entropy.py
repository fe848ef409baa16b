"""Cross-entropy: -log p_t, with p_t the probability of the true class.

With label smoothing e over C classes the target becomes (1 - e) y + e / C, and the cost -sum_c target_c log p_c.
"""

from math import log
from typing import Unpack

from torch import Tensor

from piste.losses.arguments import number
from piste.losses.labels.base import LabelKeywords, LabelLoss
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], label_smoothing: float) -> float:
    """One element."""
    cost = 0.0
    for p, y in zip(probs, target, strict=True):
        cost -= ((1 - label_smoothing) * y + label_smoothing / len(probs)) * log(p)
    return cost


@loss(
    tasks=("classification", "segmentation", "detection"),
    targets=("index", "soft", "labels"),
    source="Good 1952, Rational Decisions; label smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"label_smoothing": Between(0.0, 0.2)},
    reference=as_printed,
    variants=({"label_smoothing": 0.1},),
    cases=(
        Case({}, [[log(3), 0.0]], [1], log(4), "p = (3/4, 1/4) and class 1 is true: -ln 1/4"),
        Case(
            {"weight": [1.0, 3.0]},
            [[log(3), 0.0], [0.0, 0.0]],
            [1, 0],
            (3 * log(4) + 1 * log(2)) / 4,
            "-ln 1/4 counts 3 times, -ln 1/2 once; their mean is over 3 + 1",
        ),
        Case(
            {"label_smoothing": 0.5},
            [[log(3), 0.0]],
            [1],
            0.75 * log(4) + 0.25 * log(4 / 3),
            "the label (0, 1) becomes (1/4, 3/4); p = (3/4, 1/4)",
        ),
        Case({"activation": "sigmoid"}, [[log(3)]], [[0]], log(4), "p = 3/4 and the label is 0: -ln(1 - 3/4)"),
    ),
)
class CrossEntropy(LabelLoss):
    """Cross-entropy of the predicted probabilities and the labels.

    Equal to `torch.nn.CrossEntropyLoss` with weight, ignore_index and label_smoothing, except that with probabilities
    as target the mean divides by the sum of weights here too.

    Args:
        label_smoothing: Share of each label that is spread evenly over all classes, in [0, 1]. Raising it makes the
            model less sure of itself and forgives wrong labels.
        **common: activation, weight, ignore_index and reduction of `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7, for label smoothing.

    Example:
        >>> import torch
        >>> CrossEntropy(weight=[1.0, 30.0])(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long))
        tensor(0.6931)
    """

    def __init__(self, *, label_smoothing: float = 0.0, **common: Unpack[LabelKeywords]) -> None:
        super().__init__(**common)
        self.label_smoothing = number("label_smoothing", label_smoothing, "a share", low=0.0, high=1.0)

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth."""
        return -log_p

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """The same, and how fast it falls."""
        return log_p.neg_(), 1.0
