"""The base of losses that compare all predicted probabilities of an element with all the true ones."""

from abc import abstractmethod
from typing import get_args

import torch
from torch import Tensor

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import Plain, Priced, reduce_in_blocks
from piste.losses.elements import (
    Activation,
    counted,
    element_weight,
    fit,
    known_labels,
    known_target,
    product,
    widen,
)


class DivergenceLoss(Loss):
    """A loss over labels by how far two distributions over the classes are apart.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`, with the shapes of `LabelLoss`. With sigmoid
    a label is a choice between two classes, not and yes, of logits 0 and x.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class. A soft label has the mean of its classes' weights.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean", "sum" or "none", as in `LabelLoss`.
    """

    _weight: Tensor | None

    def __init__(
        self,
        *,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.activation = one_of("activation", activation, get_args(Activation))
        self.weight = weight
        self.ignore_index = class_id("ignore_index", ignore_index)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)

    @abstractmethod
    def hard(self, activation: Activation) -> tuple[Plain, Priced | None]:
        """Formulas for logits [N, C, *S] and the class [N, *S]; with sigmoid the label, bool, [N, C, *S]."""

    @abstractmethod
    def soft(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price logits [N, C, *S] of elements with a share per class [N, C, *S]; as `hard` where shares are 0 or 1."""

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
        if self.activation == "sigmoid":
            truth, shape = known_labels(target, keep), target.shape
        else:
            truth, shape = known_target(target, keep, "softmax"), logits.shape[:1] + logits.shape[2:]
        if truth.is_floating_point():
            truth, priced = truth.to(logits.dtype), None
            plain = self.soft if self.activation == "softmax" else self._soft_label
        else:
            truth = truth.long() if self.activation == "softmax" else truth
            plain, priced = self.hard(self.activation)
        weight = element_weight(self._weight, logits, truth, self.activation)
        count = product(weight, sample_weight, keep)
        return reduce_in_blocks(plain, logits, truth, priced=priced, count=count, reduction=self.reduction, shape=shape)

    def _soft_label(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price labels between not and yes."""
        return self.soft(both(logits), torch.stack((1 - truth, truth), 1))


def both(logits: Tensor) -> Tensor:
    """Logits [N, 2, C, *S] of not and yes."""
    return torch.stack((torch.zeros_like(logits), logits), 1)
