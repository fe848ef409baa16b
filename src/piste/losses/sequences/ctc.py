"""CTC: -ln p(l), where p(l) sums prod_t p_t(c_t) over all paths c_1 .. c_T that read l.

A path reads what is left of it once repeats are merged and then blanks dropped: "aa-ab" reads "aab".
"""

from itertools import groupby, pairwise, product
from math import log, prod
from typing import Unpack

from torch import Tensor

from piste.losses.sequences.base import LineKeywords, LineLoss
from piste.losses.spec import Case, loss


def probability(probs: list[list[float]], target: list[int], blank: int) -> float:
    """Sum the probabilities of all paths that read the target."""
    total = 0.0
    for path in product(range(len(probs[0])) if probs else (), repeat=len(probs)):
        if [c for c, _ in groupby(path) if c != blank] == target:
            total += prod(step[c] for step, c in zip(probs, path, strict=True))
    return total


def as_printed(probs: list[list[float]], target: list[int], blank: int, impossible: str, per_character: bool) -> float:
    """One line; `log` refuses one that is impossible."""
    needed = len(target) + sum(a == b for a, b in pairwise(target))
    if needed > len(probs) and impossible == "zero":
        return 0.0
    return -log(probability(probs, target, blank)) / (max(len(target), 1) if per_character else 1)


_HALVES = [[[0.0, 0.0]] * 3]


@loss(
    tasks=("text",),
    call="lines",
    source="Graves et al. 2006, ICML, eq. 2, 3 and 12",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=({"blank": 2}, {"impossible": "zero"}, {"per_character": True}),
    cases=(
        Case(
            {},
            _HALVES,
            {"target": [[1]], "logit_lengths": [3], "target_lengths": [1]},
            -log(6 / 8),
            "of 8 paths alike, a--, -a-, --a, aa-, -aa and aaa read a; --- reads nothing and a-a reads aa",
        ),
        Case(
            {"blank": 1},
            _HALVES,
            {"target": [[0, 0]], "logit_lengths": [3], "target_lengths": [2]},
            -log(1 / 8),
            "of 8 paths alike only a-a reads aa",
        ),
        Case(
            {"per_character": True},
            [[[0.0, log(2)], [0.0, log(2)], [5.0, -7.0]]] * 2,
            {"target": [[1, 9], [1, 9]], "logit_lengths": [2, 1], "target_lengths": [1, 1]},
            (-log(8 / 9) - log(2 / 3)) / 2,
            "p(a) = 2/3: all but -- of two steps, a of one; nothing beyond the lengths is read",
        ),
        Case(
            {"impossible": "zero"},
            [[[0.0, 0.0]] * 2] * 2,
            {"target": [[1, 1], [1, 0]], "logit_lengths": [2, 2], "target_lengths": [2, 1]},
            -log(3 / 4) / 4,
            "aa needs three steps and costs 0, with weight 3; a is read by three of four paths",
            call={"sample_weight": [3.0, 1.0]},
        ),
    ),
    waivers={
        "gradient_can_be_differentiated_again": "torch's kernel has no second derivative, and asking for one raises",
    },
)
class CTC(LineLoss):
    """Connectionist temporal classification: the surprise at a text, wherever in the line its characters stand.

    It takes raw scores: handed log-probabilities by mistake it is still right, where torch's own, handed raw scores,
    gives less than 0.

    Args:
        **common: blank, impossible, per_character and reduction of `LineLoss`. The paper's objective is the sum over
            lines; "mean" is over lines, and that of `torch.nn.CTCLoss` is per_character=True.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Graves et al. 2006, ICML, eq. 2, 3 and 12.

    Example:
        >>> import torch
        >>> logits, target = torch.zeros(1, 3, 2), torch.tensor([[1]])
        >>> CTC()(logits, target, torch.tensor([3]), torch.tensor([1]))
        tensor(0.2877)
    """

    def __init__(self, **common: Unpack[LineKeywords]) -> None:
        super().__init__(**common)

    def price(self, cost: Tensor) -> Tensor:
        """Price each line by -ln p(target)."""
        return cost
