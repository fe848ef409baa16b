"""The base of label losses: a price for the log-probability of the truth.

A label loss is a function phi(log p), p the probability that the model gave to the true class. One pass over the
logits finds log p of every element; what follows is arithmetic on a tensor C times smaller. A soft label costs what
it costs on average: sum_c y_c phi(log p_c).
"""

from abc import abstractmethod
from typing import TypedDict, get_args

import torch
from torch import Tensor

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import reduce_in_blocks
from piste.losses.elements import (
    Activation,
    along_classes,
    counted,
    element_weight,
    fit,
    known_labels,
    known_target,
    product,
    widen,
)
from piste.losses.labels.pricing import of_class, of_label, of_label_shares, of_shares


class LabelKeywords(TypedDict, total=False):
    """The keywords that every label loss takes; see `LabelLoss`."""

    activation: Activation
    weight: Weights | None
    ignore_index: int | None
    reduction: Reduction


class LabelLoss(Loss):
    """A loss over labels: each element has a class, or a probability per class.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`:

    - activation="softmax": logits [N, C, *S]; target integer [N, *S], or probabilities [N, C, *S] that sum to 1.
    - activation="sigmoid": logits and target [N, C, *S]; target bool, integer 0 and 1, or floating in [0, 1].
    - mask (bool, True where an element counts) and sample_weight (>= 0): [N, *S] with softmax, [N, C, *S] with
      sigmoid; any axis may have size 1. An element that does not count has exactly no gradient.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class. A soft label has the mean of its classes' weights.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean" is sum(weight * cost) / sum(weight) over what counts, 0 if nothing does, as in torch's
            cross-entropy; "sum"; "none" for one weighted cost an element.
    """

    label_smoothing: float = 0.0
    """Share of each label that is spread evenly over the classes; losses that have the keyword set it."""

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
    def phi(self, log_p: Tensor) -> Tensor:
        """Price each log-probability, <= 0, of what is true."""

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """Price each log-probability and say how fast the price falls: found by autograd, faster when said by hand.

        Args:
            log_p: log p, which may be changed.
            log_q: log(1 - p), where it is known already, which may be changed.

        Returns:
            The cost, and minus its derivative by log p.
        """
        with torch.enable_grad():
            log_p = log_p.detach().requires_grad_()
            cost = self.phi(log_p)
            (slope,) = torch.autograd.grad(cost.sum(), log_p)
        return cost.detach(), -slope

    def sides(self, logits: Tensor) -> tuple[float | Tensor, float | Tensor] | None:
        """Factors on the price of negative and of positive labels, with sigmoid; they broadcast to the logits."""
        return None

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
        count = product(sample_weight, keep)
        if self.activation == "sigmoid":
            return self._independent(logits, target, keep, count)
        return self._exclusive(logits, target, keep, count)

    def _exclusive(self, logits: Tensor, target: Tensor, keep: Tensor | None, count: Tensor | None) -> Tensor:
        """Cost of classes of which one is true, or a share of each."""
        truth = known_target(target, keep, "softmax")
        truth = truth.to(logits.dtype) if target.is_floating_point() else truth.long()
        weight = element_weight(self._weight, logits, truth, "softmax")
        if target.is_floating_point() or self.label_smoothing:
            plain, priced = of_shares(self.phi, self.pace, self._weighted_shares)
        else:
            plain, priced = of_class(self.phi, self.pace)
            weight, count = None, product(weight, count)
        return reduce_in_blocks(
            plain,
            logits,
            truth,
            priced=priced,
            count=count,
            weight=weight,
            reduction=self.reduction,
            shape=logits.shape[:1] + logits.shape[2:],
        )

    def _weighted_shares(self, truth: Tensor, logits: Tensor) -> Tensor:
        """How much the price of each class counts, [N, C, *S]."""
        if truth.dim() < logits.dim():
            truth = torch.zeros_like(logits).scatter(1, truth.unsqueeze(1), 1.0)
        if self.label_smoothing:
            truth = truth + self.label_smoothing * (1 / truth.shape[1] - truth)
        return truth if self._weight is None else truth * along_classes(self._weight, truth)

    def _independent(self, logits: Tensor, target: Tensor, keep: Tensor | None, count: Tensor | None) -> Tensor:
        """Cost of labels that are each true or not, or something between."""
        truth = known_labels(target, keep)
        if target.is_floating_point() or self.label_smoothing:
            truth = truth.to(logits.dtype)
            plain, priced = of_label_shares(self.phi, self.pace, self.sides, self.label_smoothing)
        else:
            plain, priced = of_label(self.phi, self.pace, self.sides)
        count = product(element_weight(self._weight, logits, truth, "sigmoid"), count)
        by_hand = type(self).pace is not LabelLoss.pace or not torch.compiler.is_compiling()
        return reduce_in_blocks(
            plain, logits, truth, priced=priced if by_hand else None, count=count, reduction=self.reduction
        )
