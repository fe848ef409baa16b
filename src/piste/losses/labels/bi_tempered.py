"""Bi-tempered logistic loss: sum_c y_c (log_t1 y_c - log_t1 p_c) - (y_c^(2 - t1) - p_c^(2 - t1)) / (2 - t1).

log_t(u) = (u^(1 - t) - 1) / (1 - t), log u for t = 1; p is the tempered softmax of the logits at t2.
"""

from functools import cache
from math import expm1, log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.blocks import Plain
from piste.losses.elements import Activation
from piste.losses.labels.base import LabelKeywords
from piste.losses.labels.divergence import DivergenceLoss, both
from piste.losses.labels.tempered import tempered_log_softmax
from piste.losses.spec import Between, Case, Waiver, loss


def as_printed(probs: list[float], target: list[float], t1: float, t2: float, label_smoothing: float) -> float:
    """One element: the logarithms of softmax's probabilities are logits too."""
    tempered = _tempered(tuple(log(p) for p in probs), t2)
    cost = 0.0
    for p, share in zip(tempered, target, strict=True):
        y = (1 - label_smoothing) * share + label_smoothing / len(probs)
        if y:
            cost += y * (_log_t(y, t1) - _log_t(p, t1))
        cost -= (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)
    return cost


@cache
def _tempered(logits: tuple[float, ...], t: float) -> list[float]:
    """Probabilities exp_t(a - lambda), with lambda halved in on until they sum to 1."""
    low, high = max(logits), max(logits) - _log_t(1 / len(logits), t)
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if sum(_exp_t(a - middle, t) for a in logits) > 1 else (low, middle)
    return [_exp_t(a - high, t) for a in logits]


def _exp_t(u: float, t: float) -> float:
    return expm1(u) + 1 if t == 1 else max(1 + (1 - t) * u, 0.0) ** (1 / (1 - t))


def _log_t(u: float, t: float) -> float:
    return log(u) if t == 1 else (u ** (1 - t) - 1) / (1 - t)


@loss(
    tasks=("classification", "segmentation"),
    targets=("index", "soft", "labels"),
    source="Amid et al. 2019, arXiv:1906.03361",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"t1": Between(0.2, 1.0), "t2": Between(1.0, 4.0), "label_smoothing": Between(0.0, 0.2)},
    reference=as_printed,
    variants=({"t1": 0.5, "t2": 4.0}, {"t1": 1.0, "t2": 1.0, "label_smoothing": 0.1}),
    waivers={
        "declared_range_is_no_wider_than_need_be": "the ceiling 1 / (1 - t1) depends on t1 and is gone at t1 = 1",
        "a_sure_mistake_still_has_a_slope": Waiver(
            "with t1 < 1 a label that looks surely wrong pulls so little that float16 makes nothing of it",
            only="in torch.float16",
        ),
    },
    cases=(
        Case({"t1": 0.0, "t2": 2.0}, [[1.5, 0.0]], [1], 4 / 9, "1 / p = (3/2, 3), p = (2/3, 1/3): 2/3 - (1 - 5/9) / 2"),
        Case({"t1": 1.0, "t2": 2.0}, [[1.5, 0.0]], [1], log(3), "p = (2/3, 1/3): -ln 1/3"),
        Case(
            {"t1": 0.5, "t2": 1.0},
            [[log(3), 0.0]],
            [1],
            1 - (1 - 0.75**1.5 - 0.125) / 1.5,
            "p = (3/4, 1/4): 2 (1 - sqrt 1/4) - (1 - (3/4)^1.5 - (1/4)^1.5) / 1.5",
        ),
        Case({"t2": 2.0}, [[1.5, 0.0]], [[2 / 3, 1 / 3]], 0.0, "what meets its label costs nothing"),
        Case(
            {"t1": 0.0, "t2": 2.0, "activation": "sigmoid"},
            [[1.5]],
            [[0]],
            4 / 9,
            "as the first, with classes not and yes",
        ),
    ),
)
class BiTempered(DivergenceLoss):
    """Bi-tempered logistic loss: a ceiling on what a wrong label costs, and probabilities with a heavy tail.

    The ceiling, 1 / (1 - t1), tames labels that are far off; the tail, of t2 > 1, those near the boundary between
    classes. Costs and slopes shrink with t1 < 1 < t2: tune the learning rate anew. At t1 = t2 = 1 hard labels have
    their cross-entropy, and soft ones, as the paper's formula has it, the divergence from the label: cross-entropy
    less the entropy of the label, to the same gradient. What meets its label costs nothing, for every t1 and t2.

    Args:
        t1: Temperature of the logarithm, <= 1 and at most t2; the paper's begins at 0. Lowering it forgives more
            wrong labels, and learns more slowly.
        t2: Temperature of the probabilities, 0.2 <= t2 <= 5. Raising it forgives more labels that are wrong by
            little. Below 1 a class far behind gets no probability at all, and no slope.
        label_smoothing: Share of each label that is spread evenly over all classes, in [0, 1], as in `CrossEntropy`.
            The authors' code spreads it over the other classes alone: its e is (1 - 1 / C) times this.
        **common: activation, weight, ignore_index and reduction of `DivergenceLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Amid et al. 2019, arXiv:1906.03361. It names no defaults; 0.8 and 1.2 are its choice for CIFAR-100.

    Example:
        >>> import torch
        >>> BiTempered(t1=0.0, t2=2.0)(torch.tensor([[1.5, 0.0]]), torch.tensor([1]))
        tensor(0.4444)
    """

    def __init__(
        self, *, t1: float = 0.8, t2: float = 1.2, label_smoothing: float = 0.0, **common: Unpack[LabelKeywords]
    ) -> None:
        super().__init__(**common)
        self.t1 = number("t1", t1, "a temperature", high=1.0)
        self.t2 = number("t2", t2, "a temperature", low=0.2, high=5.0)
        self.label_smoothing = number("label_smoothing", label_smoothing, "a share", low=0.0, high=1.0)
        if t1 > t2:
            raise ValueError(f"`t1` must be at most `t2`, or slopes have no bound; got {t1!r} and {t2!r}.")

    def hard(self, activation: Activation) -> tuple[Plain, None]:
        """Price the probability of the truth, and how the rest is spread."""
        if activation == "softmax":
            return self._hard, None
        return lambda logits, truth: self._hard(both(logits), truth.long()), None

    def _hard(self, logits: Tensor, index: Tensor) -> Tensor:
        if self.label_smoothing:
            return self.soft(logits, torch.zeros_like(logits).scatter(1, index.unsqueeze(1), 1.0))
        log_p = tempered_log_softmax(logits, self.t2, 1)
        cost = -self._log_t1(log_p.gather(1, index.unsqueeze(1)).squeeze(1))
        return cost if self.t1 == 1 else cost - (1 - self._masses(log_p).sum(1)) / (2 - self.t1)

    def soft(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price each class's probability against its share."""
        truth = truth + self.label_smoothing * (1 / truth.shape[1] - truth)
        log_p, log_y = tempered_log_softmax(logits, self.t2, 1), truth.clamp(min=torch.finfo(truth.dtype).tiny).log()
        own = truth * (self._log_t1(log_y) - 1)  # y log_t1 y - y^(2 - t1) / (2 - t1) = y (log_t1 y - 1) / (2 - t1)
        return ((own + self._masses(log_p)) / (2 - self.t1) - truth * self._log_t1(log_p)).sum(1)

    def _log_t1(self, log_u: Tensor) -> Tensor:
        """The tempered logarithm of u, given the plain one."""
        return log_u if self.t1 == 1 else torch.expm1((1 - self.t1) * log_u) / (1 - self.t1)

    def _masses(self, log_p: Tensor) -> Tensor:
        """p^(2 - t1)."""
        return ((2 - self.t1) * log_p).exp_()
