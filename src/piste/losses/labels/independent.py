"""The base of losses that know independent labels alone: a price for a score and its label."""

from abc import abstractmethod
from typing import Literal, TypedDict, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import by_autograd, reduce_in_blocks
from piste.losses.elements import as_numbers, counted, element_weight, fit, known_labels, product, widen

SMALLEST = 1e-30
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

    def price_and_slope(self, logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The same and its derivative by the score, new tensors: found by autograd, faster when said by hand."""
        return by_autograd(self.price)(logits, truth)

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
        truth = known_labels(target, keep)
        truth = truth.to(logits.dtype) if truth.is_floating_point() else truth
        weight = element_weight(self._weight, logits, truth, self.activation)
        by_hand = type(self).price_and_slope is not IndependentLoss.price_and_slope or not torch.compiler.is_compiling()
        return reduce_in_blocks(
            lambda x, y: self.price(x, y.to(x.dtype)),
            logits,
            truth,
            priced=(lambda x, y: self.price_and_slope(x, as_numbers(y, x))) if by_hand else None,
            count=product(weight, sample_weight, keep),
            reduction=self.reduction,
        )


def surprise(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of each score and its label, -y log p - (1 - y) log(1 - p), exact where either is nearly sure."""
    return -truth * F.logsigmoid(logits) - (1 - truth) * F.logsigmoid(-logits)


def power(base: Tensor, exponent: float) -> Tensor:
    """A base, 0 where it is negative, to an exponent >= 0, without a slope at 0.

    As exp(exponent log base), in which an exponent that moves does not have to be compiled anew.
    """
    return torch.exp(exponent * torch.log(base.clamp(min=SMALLEST)))


def surprise_and_logs(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`surprise`, log p and log(1 - p), new tensors, in few operations."""
    # log p = min(x, 0) - log(1 + exp(-|x|)), log(1 - p) = log p - x, and the surprise is max(x, 0) - y x + log(...)
    rest = logits.abs().neg_().exp_().log1p_()
    log_p = logits.clamp(max=0).sub_(rest)
    return rest.add_(logits.clamp(min=0).addcmul_(truth, logits, value=-1)), log_p, log_p - logits
