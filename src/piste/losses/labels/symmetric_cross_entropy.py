"""Symmetric cross-entropy: -alpha sum_c y_c log p_c - beta sum_c p_c log y_c, with a finite number for log 0."""

from math import exp, log
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.blocks import Plain, Priced
from piste.losses.elements import Activation
from piste.losses.labels.base import LabelKeywords
from piste.losses.labels.divergence import DivergenceLoss
from piste.losses.labels.pricing import of_class, of_label
from piste.losses.spec import Between, Case, loss


def as_printed(probs: list[float], target: list[float], alpha: float, beta: float, log_zero: float) -> float:
    """One element."""
    forward = backward = 0.0
    for p, y in zip(probs, target, strict=True):
        if y:
            forward -= y * log(p)
        backward -= p * (max(log(y), log_zero) if y else log_zero)
    return alpha * forward + beta * backward


@loss(
    tasks=("classification", "segmentation"),
    targets=("index", "soft", "labels"),
    source="Wang et al. 2019, arXiv:1908.06112, section 3",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"alpha": Between(0.01, 10.0, log=True), "beta": Between(0.1, 1.0), "log_zero": Between(-8.0, -2.0)},
    reference=as_printed,
    variants=({"alpha": 6.0, "beta": 0.1}, {"log_zero": -1.0}),
    cases=(
        Case({}, [[log(3), 0.0]], [1], 0.1 * log(4) + 3.0, "p_t = 1/4: 1/10 * -ln 1/4 + 1 * 3/4 * 4"),
        Case(
            {"alpha": 2.0, "beta": 0.5, "log_zero": -6.0, "activation": "sigmoid"},
            [[log(3)], [0.0]],
            [[1], [0]],
            (2 * log(4 / 3) + 0.5 * 6 / 4 + 2 * log(2) + 0.5 * 6 / 2) / 2,
            "p_t = 3/4: 2 * -ln 3/4 + 1/2 * 1/4 * 6; p_t = 1/2: 2 * -ln 1/2 + 1/2 * 1/2 * 6",
        ),
        Case(
            {"alpha": 1.0},
            [[log(3), 0.0]],
            [[0.5, 0.5]],
            (log(4 / 3) + log(4)) / 2 + log(2),
            "p = (3/4, 1/4), y = (1/2, 1/2): 1/2 * -ln 3/4 + 1/2 * -ln 1/4, and (3/4 + 1/4) * -ln 1/2",
        ),
    ),
)
class SymmetricCrossEntropy(DivergenceLoss):
    """Symmetric cross-entropy: cross-entropy both ways, of which the way back is deaf to labels wrong at random.

    For a hard label the way back is -log_zero (1 - p_t): summed over all labels that an element might have it is the
    same for every p, so that labels which are wrong in all ways alike cancel out.

    Args:
        alpha: Price of the way there, cross-entropy, > 0. Raising it learns faster, and wrong labels too.
        beta: Price of the way back, > 0. Raising it forgives more wrong labels.
        log_zero: What stands for log 0, < 0; also for the logarithm of a soft label's share that lies below it.
        **common: activation, weight, ignore_index and reduction of `DivergenceLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Wang et al. 2019, arXiv:1908.06112; the defaults are those for CIFAR-10, where for CIFAR-100 the authors
        have alpha = 6 and beta = 0.1.

    Example:
        >>> import torch
        >>> SymmetricCrossEntropy()(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long))
        tensor(2.0693)
    """

    def __init__(
        self, *, alpha: float = 0.1, beta: float = 1.0, log_zero: float = -4.0, **common: Unpack[LabelKeywords]
    ) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "a price", above=0.0)
        self.beta = number("beta", beta, "a price", above=0.0)
        self.log_zero = number("log_zero", log_zero, "the logarithm of a small share", high=0.0)
        if log_zero == 0:
            raise ValueError(f"`log_zero` must be less than 0, where the way back costs nothing; got {log_zero!r}.")

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth both ways."""
        return self.beta * self.log_zero * torch.expm1(log_p) - self.alpha * log_p

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same, and how fast it falls."""
        q, price = torch.expm1(log_p).neg_() if log_q is None else log_q.exp_(), -self.beta * self.log_zero
        return q.mul_(price).sub_(log_p, alpha=self.alpha), log_p.exp_().mul_(price).add_(self.alpha)

    def hard(self, activation: Activation) -> tuple[Plain, Priced]:
        """Price what is true, which says all."""
        return of_class(self.phi, self.pace) if activation == "softmax" else of_label(self.phi, self.pace)

    def soft(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price the log-probabilities by the shares, and the probabilities by the shares' logarithms."""
        log_p = F.log_softmax(logits, 1)
        log_y = truth.clamp(min=exp(self.log_zero)).log()
        return -(self.alpha * truth * log_p + self.beta * log_p.exp() * log_y).sum(1)
