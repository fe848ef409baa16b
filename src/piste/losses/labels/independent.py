"""The base of losses that know independent labels alone: a price for a score and its label."""

from abc import abstractmethod
from typing import Literal, TypedDict, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import along_classes, counted, fit, product, widen

_SMALLEST = 1e-30
"""What a base of a power is at least: at 0 the slope of its logarithm is infinite, though that of the power is not."""


class IndependentKeywords(TypedDict, total=False):
    """The keywords that every loss of independent labels takes; see `IndependentLoss`."""

    activation: Literal["sigmoid"]
    weight: Weights | None
    ignore_index: int | None
    reduction: Reduction


class IndependentLoss(Loss):
    """A loss over independent labels: each score has a label of its own, in [0, 1].

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`: logits and target [N, C, *S], the target bool,
    integer 0 and 1, or floating in [0, 1]; mask and sample_weight as in `LabelLoss` with sigmoid.

    Args:
        activation: "sigmoid" alone.
        weight: A number >= 0 per class.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean", "sum" or "none", as in `LabelLoss`.
    """

    _weight: Tensor | None

    def __init__(
        self,
        *,
        activation: Literal["sigmoid"] = "sigmoid",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        if activation != "sigmoid":
            raise ValueError(f'`activation` must be "sigmoid", for independent labels; got {activation!r}.')
        self.activation = activation
        self.weight = weight
        self.ignore_index = class_id("ignore_index", ignore_index)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)

    @abstractmethod
    def price(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price each score against its label in [0, 1]."""

    def forward(
        self, logits: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the logits; see the class."""
        fit(
            logits,
            target,
            self.activation,
            weight=self._weight,
            ignore_index=self.ignore_index,
            mask=mask,
            sample_weight=sample_weight,
        )
        logits = widen(logits)
        keep = counted(target, self.ignore_index, mask)
        truth = (target if keep is None else target.where(keep, 0)).to(logits.dtype)
        weight = None if self._weight is None else along_classes(self._weight, logits)
        return reduce(self.price(logits, truth), product(weight, sample_weight, keep), self.reduction)


def surprise(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of each score and its label, -y log p - (1 - y) log(1 - p), exact where either is nearly sure."""
    return -truth * F.logsigmoid(logits) - (1 - truth) * F.logsigmoid(-logits)


def power(base: Tensor, exponent: float) -> Tensor:
    """A base, 0 where it is negative, to an exponent >= 0, without a slope at 0.

    As exp(exponent log base), in which an exponent that moves does not have to be compiled anew.
    """
    return torch.exp(exponent * torch.log(base.clamp(min=_SMALLEST)))
