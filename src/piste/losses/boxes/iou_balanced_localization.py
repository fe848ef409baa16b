"""IoU-balanced localization loss: w_loc * iou^lambda * smooth L1, summed over the four numbers of a box.

iou is that of the predicted box and its target; it weighs, and has no gradient.
"""

from typing import get_args

import torch
from torch import Tensor

from piste.losses.arguments import number, one_of
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import reduce_in_blocks
from piste.losses.boxes import box_iou, box_l1
from piste.losses.boxes.base import fit_boxes
from piste.losses.boxes.box_l1 import smooth_l1, smooth_l1_and_slope
from piste.losses.boxes.pair import corners, iou
from piste.losses.elements import widen
from piste.losses.spec import Between, Case, loss


def as_printed(predicted: list[float], target: list[float], lambda_: float, w_loc: float, beta: float) -> float:
    """One box."""
    shared: float = 1 - box_iou.as_printed(predicted, target, kind="iou")
    weight: float = w_loc * shared**lambda_
    return weight * box_l1.as_printed(predicted, target, beta)


@loss(
    tasks=("detection",),
    call="boxes",
    source="Wu et al. 2019, arXiv:1908.05641",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"lambda_": Between(0.0, 2.0), "w_loc": Between(1.0, 4.0)},
    reference=as_printed,
    variants=({"lambda_": 0.0}, {"w_loc": 3.0, "beta": 0.1}),
    cases=(
        Case(
            {"lambda_": 2.0, "w_loc": 3.0},
            [[0.0, 0.0, 4.0, 2.0]],
            [[0.0, 0.0, 2.0, 2.0]],
            3 * 1 / 4 * 1.5,
            "they share 4 of 8, and one number is off by 2: 3 * (1/2)^2 * (2 - 1/2)",
        ),
        Case(
            {"lambda_": 0.0},
            [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]],
            [[3.0, 0.0, 4.0, 1.0], [0.0, 0.0, 1.0, 1.0]],
            2 * 2.5 / 2,
            "lambda = 0 is smooth L1, for boxes that share nothing too: two numbers off by 3 and none, over 2 boxes",
        ),
    ),
    waivers={
        "gradient_is_that_of_finite_differences": "the paper's weight iou^lambda is held constant in the gradient",
        "gradient_is_that_of_the_reference": "the paper's weight iou^lambda is held constant in the gradient",
        "gradient_can_be_differentiated_again": "the paper's weight iou^lambda is held constant in the gradient",
    },
)
class IoUBalancedLocalization(Loss):
    """IoU-balanced localization loss: smooth L1 that spends its gradient on the boxes that are nearly right.

    A box that shares nothing with its target has weight 0, and so no gradient: early in training that may be most of
    them. Start with lambda_ = 0, or add a loss that sees such boxes.

    Called as `loss(predicted, target, *, iou=None, sample_weight=None)`, boxes and weights as for `BoxLoss`. Detectors
    that regress offsets to anchors pass these as `predicted` and `target`, and with `iou`, [N] or [*], in [0, 1], those
    of the boxes which the offsets stand for; without it, `predicted` and `target` are corners x1, y1, x2, y2.

    Args:
        lambda_: How much more boxes count the better they fit, >= 0; 0 is smooth L1. Raising it buys accuracy where it
            is high already (AP at IoU 0.8 and 0.9). The paper's best is 1.5.
        w_loc: Factor of every box, > 0, which the paper sets so that its first losses are those of smooth L1, around
            2.4 to 3.
        beta: Size of error up to which it is squared, >= 0, as in `BoxL1`.
        reduction: "mean", "sum" or "none", as in `BoxLoss`; w_loc and iou are no part of the mean's denominator.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Wu et al. 2019, arXiv:1908.05641.

    Example:
        >>> loss = IoUBalancedLocalization(lambda_=2.0, w_loc=3.0)
        >>> loss(torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[0.0, 0.0, 2.0, 2.0]]))
        tensor(1.1250)
    """

    def __init__(
        self, *, lambda_: float = 1.5, w_loc: float = 1.0, beta: float = 1.0, reduction: Reduction = "mean"
    ) -> None:
        super().__init__()
        self.lambda_ = number("lambda_", lambda_, "an exponent", low=0.0)
        self.w_loc = number("w_loc", w_loc, "a factor", above=0.0)
        self.beta = number("beta", beta, "a size of error", low=0.0)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    def forward(
        self, predicted: Tensor, target: Tensor, *, iou: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the predicted boxes; see the class."""
        fit_boxes(predicted, target, sample_weight)
        predicted, shape = widen(predicted), predicted.shape[:-1]
        given = () if iou is None else (_fitting(iou, predicted).reshape(-1),)
        cost = reduce_in_blocks(
            self._plain,
            predicted.reshape(-1, 4),
            target.to(predicted.dtype).reshape(-1, 4),
            *given,
            count=None if sample_weight is None else sample_weight.expand(shape).reshape(-1),
            reduction=self.reduction,
            shape=torch.Size((shape.numel(),)),
            priced=self._priced,
        )
        return cost.view(shape) if self.reduction == "none" else cost

    def _plain(self, predicted: Tensor, target: Tensor, *given: Tensor) -> Tensor:
        shared = given[0] if given else iou(corners(predicted.detach()), corners(target.detach()))
        weight = self.w_loc * shared.pow(
            self.lambda_ * torch.ones_like(shared)
        )  # not compiled anew where lambda_ moves
        return weight * smooth_l1(predicted, target, self.beta).sum(-1)

    def _priced(self, predicted: Tensor, target: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            pair = torch.stack((predicted.t(), target.t()))  # each coordinate by itself
            weight = self.w_loc * (given[0] if given else iou(*pair.view(2, 2, 2, -1))).pow(self.lambda_)
            cost, slope = smooth_l1_and_slope(pair[0] - pair[1], self.beta)
            slope.mul_(weight)
        return cost.sum(0) * weight, torch.cat((slope[:2].t(), slope[2:].t()), 1)


def _fitting(given: Tensor, predicted: Tensor) -> Tensor:
    """The IoU that was given, without gradient, if there is one a box."""
    if given.shape != predicted.shape[:-1]:
        raise ValueError(f"`iou` must have one number a box, {list(predicted.shape[:-1])}; got {list(given.shape)}.")
    return given.detach().to(predicted.dtype)
