"""The base of box losses: a price for each predicted box beside its target."""

from abc import abstractmethod
from typing import TypedDict, get_args

from torch import Tensor

from piste.losses.arguments import one_of
from piste.losses.base import Loss, Reduction
from piste.losses.elements import fit_elements, widen


class BoxKeywords(TypedDict, total=False):
    """The keywords that every box loss takes; see `BoxLoss`."""

    reduction: Reduction


def fit_boxes(predicted: Tensor, target: Tensor, sample_weight: Tensor | None) -> None:
    """Refuse boxes that are not pairs.

    Raises:
        ValueError: Says what came and what would fit.
    """
    if predicted.shape != target.shape or predicted.dim() < 2 or predicted.shape[-1] != 4:
        raise ValueError(
            f"`predicted` and `target` must be pairs of boxes, both [N, 4] or [*, 4]; got {list(predicted.shape)} and "
            f"{list(target.shape)}. One target for many boxes is target.expand_as(predicted)."
        )
    if not predicted.is_floating_point():
        raise ValueError(f"`predicted` must be floating; got {predicted.dtype}.")
    fit_elements(predicted.shape[:-1], None, sample_weight)


class BoxLoss(Loss):
    """A loss over pairs of boxes.

    Called as `loss(predicted, target, *, sample_weight=None)`: both of one shape, [N, 4] or [*, 4], each box its
    corners x1, y1, x2, y2 in any unit; sample_weight (>= 0) of shape [N] or [*], each axis of that size or 1. Boxes of
    different shapes are refused and not broadcast: whether pairs or all combinations are meant cannot be seen.

    Args:
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over the boxes, 0 if nothing counts;
            "sum", which detectors divide by their number of positives; "none" for one weighted cost a box.
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    @abstractmethod
    def price(self, predicted: Tensor, target: Tensor, count: Tensor | None) -> Tensor:
        """Price pairs [*, 4], each `count` times, and reduce that."""

    def forward(self, predicted: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
        """Cost of the predicted boxes; see the class."""
        fit_boxes(predicted, target, sample_weight)
        predicted = widen(predicted)
        return self.price(predicted, target.to(predicted.dtype), sample_weight)
