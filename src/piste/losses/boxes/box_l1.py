"""Smooth L1 of boxes: e^2 / (2 beta) for |e| < beta, else |e| - beta / 2, summed over the four numbers of a box.

beta = 0 is L1: |e|.
"""

from typing import Literal, Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.base import reduce
from piste.losses.boxes.base import BoxKeywords, BoxLoss
from piste.losses.spec import Between, Case, loss


def smooth_l1(predicted: Tensor, target: Tensor, beta: float, reduction: Literal["none", "sum"] = "none") -> Tensor:
    """Price each number of each box, or all of them."""
    if not torch.compiler.is_compiling():
        return F.smooth_l1_loss(predicted, target, reduction=reduction, beta=beta)
    cost = (predicted - target).abs()
    if beta > 0:
        near = (cost / beta).clamp(max=1)  # torch's own would be compiled anew where beta moves, as would a bound
        cost = near * (cost - near * (beta / 2))
    return cost if reduction == "none" else cost.sum()


def smooth_l1_and_slope(error: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """Price each error, and differentiate that."""
    slope = (error / beta).clamp_(-1, 1) if beta > 0 else error.sign()
    return slope * (error - slope * (beta / 2)), slope


def as_printed(predicted: list[float], target: list[float], beta: float) -> float:
    """One box."""
    cost = 0.0
    for p, t in zip(predicted, target, strict=True):
        error = abs(p - t)
        cost += error**2 / (2 * beta) if error < beta else error - beta / 2
    return cost


@loss(
    tasks=("detection",),
    call="boxes",
    source="Girshick 2015, arXiv:1504.08083, eq. 2 and 3",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"beta": Between(0.0, 1.0)},
    reference=as_printed,
    variants=({"beta": 0.0}, {"beta": 0.3}, {"beta": 5.0}),
    cases=(
        Case({}, [[0.0, 0.0, 4.0, 2.0]], [[0.5, 0.0, 2.0, 2.0]], 1.625, "errors 1/2 and 2: 1/8 + (2 - 1/2)"),
        Case({"beta": 0.0}, [[0.0, 0.0, 4.0, 2.0]], [[0.5, 0.0, 2.0, 2.0]], 2.5, "errors 1/2 and 2: their sum"),
        Case(
            {"beta": 4.0},
            [[0.0, 0.0, 4.0, 2.0], [1.0, 1.0, 2.0, 2.0]],
            [[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 2.0, 9.0]],
            (1 / 2 + 3 * 5) / 4,
            "an error of 2 costs 4/8, with weight 1, one of 7 costs 7 - 2, with weight 3",
            call={"sample_weight": [1.0, 3.0]},
        ),
    ),
)
class BoxL1(BoxLoss):
    """Smooth L1 of boxes: how far the corners are off, in their own unit.

    A box costs the sum over its four numbers, as in Fast R-CNN and its successors; `torch.nn.SmoothL1Loss` has their
    mean. It needs no xyxy: offsets to anchors, and centres with sizes, are priced alike.

    Args:
        beta: Size of error, in the unit of the boxes, up to which it is squared, >= 0; 0 is L1. Raising it calms the
            gradient near the target; lowering it sharpens what is nearly right. The default 1 is made for offsets in
            units of their spread; RetinaNet's and Faster R-CNN's configurations often have 1/9.
        **common: reduction of `BoxLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Girshick 2015, arXiv:1504.08083, eq. 2 and 3, for which beta is 1.

    Example:
        >>> import torch
        >>> BoxL1(beta=0.0)(torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[0.5, 0.0, 2.0, 2.0]]))
        tensor(2.5000)
    """

    def __init__(self, *, beta: float = 1.0, **common: Unpack[BoxKeywords]) -> None:
        super().__init__(**common)
        self.beta = number("beta", beta, "a size of error", low=0.0)

    def price(self, predicted: Tensor, target: Tensor, count: Tensor | None) -> Tensor:
        """Price the numbers of all boxes at once, if each counts as much."""
        if count is not None or self.reduction == "none":
            return reduce(smooth_l1(predicted, target, self.beta).sum(-1), count, self.reduction)
        cost = smooth_l1(predicted, target, self.beta, "sum")
        return cost if self.reduction == "sum" else cost / max(predicted.numel() // 4, 1)
