"""Focal CTC: alpha (1 - p)^gamma * -ln p, with p the probability that CTC gives to a line's text."""

from itertools import pairwise
from math import log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.sequences.base import LineKeywords, LineLoss
from piste.losses.sequences.ctc import probability
from piste.losses.spec import Between, Case, loss

_NEVER_SURE = 1e-30
"""The smallest -ln p: at 0 the slope of (1 - p)^gamma is infinite for gamma < 1, though that of the loss is 0."""


def as_printed(
    probs: list[list[float]],
    target: list[int],
    gamma: float,
    alpha: float,
    blank: int,
    impossible: str,
    per_character: bool,
) -> float:
    """One line; `log` refuses one that is impossible."""
    needed = len(target) + sum(a == b for a, b in pairwise(target))
    if needed > len(probs) and impossible == "zero":
        return 0.0
    p = min(probability(probs, target, blank), 1.0)
    cost: float = alpha * (1 - p) ** gamma * -log(p) / (max(len(target), 1) if per_character else 1)
    return cost


@loss(
    tasks=("text",),
    call="lines",
    source="Feng et al. 2019, Complexity 2019, 9345861",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"gamma": Between(0.0, 3.0)},
    reference=as_printed,
    variants=({"gamma": 2.0, "alpha": 1.0}, {"blank": 2, "impossible": "zero", "per_character": True}),
    cases=(
        Case(
            {},
            [[[0.0, 0.0]] * 2],
            {"target": [[1]], "logit_lengths": [2], "target_lengths": [1]},
            1 / 4 * 1 / 2 * -log(3 / 4),
            "three of four paths read a, so p = 3/4: 1/4 * (1/4)^(1/2) * -ln 3/4",
        ),
        Case(
            {"gamma": 2.0, "alpha": 1.0, "per_character": True},
            [[[0.0, 0.0]] * 3],
            {"target": [[1, 1]], "logit_lengths": [3], "target_lengths": [2]},
            49 / 64 * log(8) / 2,
            "only a-a of eight paths reads aa, so p = 1/8: (7/8)^2 * -ln 1/8, for each of two characters",
        ),
        Case(
            {"gamma": 0.0, "alpha": 2.0},
            [[[0.0, 0.0]] * 2],
            {"target": [[0]], "logit_lengths": [2], "target_lengths": [0]},
            2 * log(4),
            "gamma = 0 is CTC, here of nothing written: two blanks, p = 1/4",
        ),
    ),
    waivers={
        "gradient_can_be_differentiated_again": "torch's kernel has no second derivative, and asking for one raises",
    },
)
class FocalCTC(LineLoss):
    """Focal CTC: CTC that turns its attention from lines that are read well to those that are not.

    p is that of a whole line, which a long line seldom brings above 0: its cost is then alpha times that of CTC.

    Args:
        gamma: How fast a line that is read well loses its say, >= 0; 0 is CTC. Raising it helps rare characters, and
            lets wrong transcripts weigh more.
        alpha: Factor of every line, > 0. It only scales the loss.
        **common: blank, impossible, per_character and reduction of `LineLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Feng et al. 2019, Complexity 2019, 9345861; gamma = 0.5 and alpha = 0.25 as in implementations of it.

    Example:
        >>> import torch
        >>> logits, target = torch.zeros(1, 3, 2), torch.tensor([[1]])
        >>> FocalCTC(gamma=1.0, alpha=1.0)(logits, target, torch.tensor([3]), torch.tensor([1]))
        tensor(0.0719)
    """

    def __init__(self, *, gamma: float = 0.5, alpha: float = 0.25, **common: Unpack[LineKeywords]) -> None:
        super().__init__(**common)
        self.gamma = number("gamma", gamma, "an exponent", low=0.0)
        self.alpha = number("alpha", alpha, "a factor", above=0.0)

    def price(self, cost: Tensor) -> Tensor:
        """Price each line by -ln p(target), less the surer it is."""
        cost = cost.clamp(min=_NEVER_SURE)
        # x^gamma = exp(gamma log x), in which a gamma that moves does not have to be compiled anew
        return self.alpha * torch.exp(self.gamma * torch.log(-torch.expm1(-cost))) * cost
