"""Quadratic loss, or Brier score: sum_c (p_c - y_c)^2 over all classes.

With sigmoid the classes of a label are 0 and 1, so that the sum is 2 (p - y)^2.
"""

from math import log
from typing import get_args

from torch import Tensor

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction
from piste.losses.blocks import reduce_in_blocks
from piste.losses.elements import (
    Activation,
    as_numbers,
    counted,
    element_weight,
    fit,
    known_labels,
    known_target,
    product,
    widen,
)
from piste.losses.spec import Case, loss


def as_printed(probs: list[float], target: list[float]) -> float:
    """One element."""
    cost = 0.0
    for p, y in zip(probs, target, strict=True):
        cost += (p - y) ** 2
    return cost


@loss(
    tasks=("classification", "segmentation"),
    targets=("index", "soft", "labels"),
    source="Brier 1950, Monthly Weather Review 78(1)",
    value_range=(0.0, 2.0),
    tendency="neither",
    reference=as_printed,
    cases=(
        Case({}, [[log(3), 0.0]], [1], 9 / 8, "p = (3/4, 1/4) and y = (0, 1): (3/4)^2 + (3/4)^2"),
        Case({}, [[log(3), 0.0]], [[0.5, 0.5]], 1 / 8, "p = (3/4, 1/4) and y = (1/2, 1/2): (1/4)^2 + (1/4)^2"),
        Case({"activation": "sigmoid"}, [[log(3)]], [[1]], 1 / 8, "p = 3/4 and y = 1: (1/4)^2 for each of 0 and 1"),
        Case(
            {"weight": [1.0, 3.0]},
            [[log(3), 0.0], [0.0, 0.0]],
            [1, 0],
            (3 * 9 / 8 + 1 / 2) / 4,
            "9/8 counts 3 times, (1/2)^2 + (1/2)^2 once; their mean is over 3 + 1",
        ),
    ),
)
class Quadratic(Loss):
    """Squared error of the predicted probabilities, summed over classes: a proper score with a ceiling.

    A wrong label costs at most 2, so that noise cannot rule as it does in cross-entropy; where the model is sure and
    wrong it learns slowly. It is no function of the true class's probability alone, so it stands by itself.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`, with the shapes of `LabelLoss`.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class. A soft label has the mean of its classes' weights.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean", "sum" or "none", as in `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Brier 1950, Monthly Weather Review 78(1). For a binary label many call (p - y)^2 the Brier score: half of
        what is computed here.

    Example:
        >>> import torch
        >>> Quadratic()(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long))
        tensor(0.5000)
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
            truth = truth.to(logits.dtype) if truth.is_floating_point() else truth
        else:
            truth, shape = known_target(target, keep, "softmax"), logits.shape[:1] + logits.shape[2:]
            truth = truth.to(logits.dtype) if truth.is_floating_point() else truth.long()
        weight = element_weight(self._weight, logits, truth, self.activation)
        plain, priced = (_labels, _priced_labels) if self.activation == "sigmoid" else (_classes, _priced_classes)
        return reduce_in_blocks(
            plain,
            logits,
            truth,
            priced=priced,
            count=product(weight, sample_weight, keep),
            reduction=self.reduction,
            shape=shape,
        )


def _classes(logits: Tensor, truth: Tensor) -> Tensor:
    """Errors over the classes, given shares or the index of the one class."""
    probs = logits.softmax(1)
    if truth.is_floating_point():
        return (probs - truth).square().sum(1)
    true = probs.gather(1, truth.unsqueeze(1)).squeeze(1)
    return probs.square().sum(1) - 2 * true + 1  # never below 0: rounding keeps order, and p^2 >= 2p - 1


def _priced_classes(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """The same, and its derivative."""
    probs = logits - logits.amax(1, keepdim=True)
    probs.exp_().div_(probs.sum(1, keepdim=True))
    if truth.is_floating_point():
        error = probs - truth
    else:
        error = probs.clone().scatter_add_(
            1, truth.unsqueeze(1), probs.new_full((1,), -1).expand_as(truth.unsqueeze(1))
        )
    mean = (probs * error).sum(1, keepdim=True)
    return error.square().sum(1), error.sub_(mean).mul_(probs).mul_(2)


def _labels(logits: Tensor, truth: Tensor) -> Tensor:
    """Errors of both classes, not and yes."""
    return 2 * (logits.sigmoid() - truth.to(logits.dtype)).square()


def _priced_labels(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """The same, and its derivative."""
    p = logits.sigmoid()
    error = p - as_numbers(truth, logits)
    return error.square().mul_(2), error.mul_(4).mul_(p).mul_(1 - p)
