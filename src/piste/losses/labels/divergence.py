"""The base of losses that compare all predicted probabilities of an element with all the true ones."""

from abc import abstractmethod
from typing import get_args

import torch
from torch import Tensor

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, along_classes, counted, fit, product, widen


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
    def hard(self, logits: Tensor, index: Tensor) -> Tensor:
        """Price logits [N, C, *S] of elements of one class [N, *S]."""

    @abstractmethod
    def soft(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Price logits [N, C, *S] of elements with a share per class [N, C, *S]; equal to `hard` where it is 0 or 1."""

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
        target, shared = known_target(target, keep, self.activation), target.is_floating_point()
        target = target.to(logits.dtype) if shared else target.long()
        weight = element_weight(self._weight, logits, target, self.activation)
        if self.activation == "sigmoid":
            logits = torch.stack((torch.zeros_like(logits), logits), 1)
            target = torch.stack((1 - target, target), 1) if shared else target
        cost = self.soft(logits, target) if shared else self.hard(logits, target)
        return reduce(cost, product(weight, sample_weight, keep), self.reduction)


def known_target(target: Tensor, keep: Tensor | None, activation: Activation) -> Tensor:
    """The target, 0 where an element does not count, whose target may be anything."""
    if keep is None:
        return target
    return target.where(keep.unsqueeze(1) if activation == "softmax" and target.is_floating_point() else keep, 0)


def element_weight(weight: Tensor | None, logits: Tensor, target: Tensor, activation: Activation) -> Tensor | None:
    """What each element counts by its class, in a shape that broadcasts to the elements; None without class weights."""
    if weight is None:
        return None
    weight = along_classes(weight, logits)
    if activation == "sigmoid":
        return weight
    return (target * weight).sum(1) if target.is_floating_point() else weight.flatten()[target.long()]
