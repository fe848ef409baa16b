"""Asymmetric loss: -(1 - p)^gamma_pos log p for a positive, -p_m^gamma_neg log(1 - p_m) for a negative.

p_m = max(p - clip, 0): a negative that looks no likelier than clip costs nothing.
"""

from math import log
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.labels.independent import SMALLEST, IndependentKeywords, IndependentLoss, power
from piste.losses.labels.pricing import log_sigmoids
from piste.losses.spec import Between, Case, Tendency, Waiver, loss


def as_printed(probs: list[float], target: list[float], gamma_pos: float, gamma_neg: float, clip: float) -> float:
    """One label: the pairs [1 - p, p] and [1 - y, y]."""
    (not_p, p), (not_y, y) = probs, target
    cost = 0.0
    if y:
        cost -= y * not_p**gamma_pos * log(p)
    if not_y:
        shifted = max(p - clip, 0.0)
        cost -= not_y * shifted**gamma_neg * log(min(not_p + clip, 1.0))
    return cost


def _leaning(gamma_pos: float, gamma_neg: float, clip: float) -> Tendency:
    if gamma_neg == gamma_pos:
        return "recall" if clip else "neither"
    return "recall" if gamma_neg > gamma_pos else "precision"


@loss(
    tasks=("classification", "segmentation", "detection"),
    targets=("labels",),
    source="Ridnik et al. 2021, arXiv:2009.14119, section 2",
    value_range=(0.0, float("inf")),
    tendency=_leaning,
    search={"gamma_pos": Between(0.0, 1.0), "gamma_neg": Between(0.0, 5.0), "clip": Between(0.0, 0.2)},
    reference=as_printed,
    variants=({"gamma_pos": 1.0, "gamma_neg": 0.5, "clip": 0.25}, {"clip": 0.0}),
    waivers={
        "a_sure_mistake_still_has_a_slope": Waiver(
            "a negative that looks surely positive is taken for a wrong label: by the shift it has a ceiling",
            only="hard target",
        )
    },
    cases=(
        Case({}, [[-log(3)]], [[1]], log(4), "a positive with p = 1/4: -ln 1/4"),
        Case({"gamma_neg": 2.0, "clip": 0.25}, [[log(3)]], [[0]], log(2) / 4, "p_m = 3/4 - 1/4: (1/2)^2 * -ln 1/2"),
        Case(
            {"gamma_pos": 1.0, "gamma_neg": 2.0, "clip": 0.25},
            [[log(3), -log(3)]],
            [[1, 0]],
            log(4 / 3) / 8,
            "the positive, p = 3/4: 1/4 * -ln 3/4; the negative, p = 1/4, p_m = 0: nothing; their mean is over 2",
        ),
        Case(
            {"gamma_neg": 1.0, "clip": 0.0},
            [[0.0]],
            [[0.75]],
            0.75 * log(2) + 0.25 * log(2) / 2,
            "p = 1/2 and the label is 3/4: 3/4 * -ln 1/2 as a positive and 1/4 * 1/2 * -ln 1/2 as a negative",
        ),
    ),
)
class Asymmetric(IndependentLoss):
    """Asymmetric loss: many easy negatives, and wrong ones among them, lose their say; the few positives keep theirs.

    A label between 0 and 1 costs what it costs on average, as the paper's sum y L+ + (1 - y) L- says; the authors'
    code, which never meets one, mixes the exponents instead.

    Args:
        gamma_pos: How fast an easy positive loses its say, >= 0. Raising it buys precision.
        gamma_neg: How fast an easy negative loses its say, >= 0. Raising it buys recall.
        clip: Probability up to which a negative costs nothing, 0 <= clip < 1. Raising it buys recall, and lets
            negatives that look surely positive pull less, as labels that are likely wrong.
        **common: activation ("sigmoid" alone), weight, ignore_index and reduction of `IndependentLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Ridnik et al. 2021, arXiv:2009.14119; the defaults are those of its experiments, where the authors' code
        has gamma_pos = 1.

    Example:
        >>> import torch
        >>> Asymmetric()(torch.zeros(1, 3), torch.tensor([[1, 0, 0]]))
        tensor(0.2474)
    """

    def __init__(
        self,
        *,
        gamma_pos: float = 0.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        **common: Unpack[IndependentKeywords],
    ) -> None:
        super().__init__(**common)
        self.gamma_pos = number("gamma_pos", gamma_pos, "an exponent", low=0.0)
        self.gamma_neg = number("gamma_neg", gamma_neg, "an exponent", low=0.0)
        self.clip = number("clip", clip, "a probability", low=0.0, high=1.0)
        if clip == 1:
            raise ValueError(f"`clip` must be less than 1, where no negative would cost anything; got {clip!r}.")

    def price(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price each score as a positive and as a negative."""
        positive, negative = F.logsigmoid(logits), F.logsigmoid(-logits)  # log p and log(1 - p)
        easy = torch.exp(self.gamma_pos * negative)
        shifted = logits.sigmoid() - self.clip
        clip = (self.clip * logits.new_ones(())).log()  # a tensor filled with what moves would be compiled anew
        rest = torch.logaddexp(negative, clip).clamp(max=0)  # log(1 - p + clip)
        return -truth * easy * positive - (1 - truth) * power(shifted, self.gamma_neg) * rest

    def price_and_slope(self, logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and its derivative."""
        log_p, log_q = log_sigmoids(logits)
        p, q = log_p.exp(), log_q.exp()
        shifted = (p - self.clip).clamp_(min=0)
        no = shifted.sign().mul_(1 - truth)  # 0 for what is free
        shifted.clamp_(min=SMALLEST)
        negative = shifted.log().mul_(self.gamma_neg).exp_().mul_(no)
        # rest = log(1 - p + clip), of the slope -p q / (1 - p + clip)
        rest: Tensor = log_q
        share: Tensor | float = 1.0
        if self.clip:
            whole = q + self.clip
            rest, share = whole.log(), torch.div(q, whole, out=whole)
        slope = (q * rest).div_(shifted).mul_(-self.gamma_neg).add_(share).mul_(p).mul_(negative)
        if not self.gamma_pos:
            cost = (truth * log_p).addcmul_(negative, rest).neg_()
            return cost, slope.addcmul_(truth, q, value=-1)
        positive = (self.gamma_pos * log_q).exp_().mul_(truth)
        cost = (positive * log_p).addcmul_(negative, rest).neg_()
        return cost, slope.addcmul_(positive, p.mul_(log_p).mul_(self.gamma_pos).sub_(q))
