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
        exclusive, shared = self.activation == "softmax", target.is_floating_point()
        keep = counted(target, self.ignore_index, mask)
        if keep is not None:
            target = target.where(keep.unsqueeze(1) if exclusive and shared else keep, 0)
        target = target.to(logits.dtype) if shared else target.long()
        weight = self._weight_of(target, logits)
        if not exclusive:
            logits = torch.stack((torch.zeros_like(logits), logits), 1)
            target = torch.stack((1 - target, target), 1) if shared else target
        cost = self.soft(logits, target) if shared else self.hard(logits, target)
        return reduce(cost, product(weight, sample_weight, keep), self.reduction)

    def _weight_of(self, target: Tensor, logits: Tensor) -> Tensor | None:
        """Class weight of each element; None without class weights."""
        if self._weight is None:
            return None
        weight = along_classes(self._weight, logits)
        if self.activation == "sigmoid":
            return weight
        return (target * weight).sum(1) if target.is_floating_point() else weight.flatten()[target]
