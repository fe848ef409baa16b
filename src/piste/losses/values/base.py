"""The base of value losses: a price for an error, prediction minus target, of each number on its own."""

from abc import abstractmethod
from typing import TypedDict, get_args

import torch
from torch import Tensor

from piste.losses.arguments import one_of
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import Plain, Priced, by_autograd, reduce_in_blocks
from piste.losses.elements import fit_elements, product, widen


class ValueKeywords(TypedDict, total=False):
    """The keywords that every value loss takes; see `ValueLoss`."""

    reduction: Reduction


class ValueLoss(Loss):
    """A loss over real numbers.

    Called as `loss(prediction, target, *, mask=None, sample_weight=None)`, all of the prediction's axes: target of its
    size, mask (bool, True where an element counts) and sample_weight (>= 0) of its size or 1. An element that does
    not count has exactly no gradient, and its target may be anything, NaN too, where `mask` says so.

    Args:
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over what counts, 0 if nothing does;
            "sum"; "none" for one weighted cost an element.
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    @abstractmethod
    def price(self, error: Tensor) -> Tensor:
        """Price each error."""

    def price_and_slope(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """Price each error, and differentiate its price: by autograd, faster when said by hand."""
        return by_autograd(self.price)(error)

    def pricing(self, prediction: Tensor) -> tuple[Plain, Priced, tuple[Tensor, ...]]:
        """What prices an error, alone and with its slope, and the tensors that both take after it, shaped alike."""
        return self.price, self.price_and_slope, ()

    def kernel(self, prediction: Tensor, target: Tensor) -> Tensor | None:
        """The reduced cost by a kernel of torch's own, where nothing is masked or weighted; None where it has none."""
        return None

    def forward(
        self, prediction: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the prediction; see the class."""
        if prediction.shape != target.shape:
            raise ValueError(
                f"`prediction` and `target` must have one shape; got {list(prediction.shape)} and "
                f"{list(target.shape)}, which would broadcast to other pairs than meant or to none."
            )
        if not prediction.is_floating_point():
            raise ValueError(f"`prediction` must be floating; got {prediction.dtype}.")
        fit_elements(prediction.shape, mask, sample_weight)
        prediction = widen(prediction)
        target, count = target.to(prediction.dtype), product(sample_weight, mask)
        eager = not torch.compiler.is_compiling()
        if eager and count is None and prediction.numel():
            cost = self.kernel(prediction, target)
            if cost is not None:
                return cost
        plain, priced, beside = self.pricing(prediction)
        masked = 0 if mask is None else 1
        return reduce_in_blocks(
            lambda x, y, *more: plain(_error(x, y, *more[:masked]), *more[masked:]),
            prediction,
            target,
            *(() if mask is None else (mask,)),
            *beside,
            count=count,
            reduction=self.reduction,
            priced=(lambda x, y, *more: priced(_error(x, y, *more[:masked]), *more[masked:])) if eager else None,
        )


def _error(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Prediction minus target, 0 where they are masked."""
    error = prediction - target
    return error if mask is None else torch.where(mask, error, 0.0)
