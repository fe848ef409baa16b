"""The base of label losses: a price for the log-probability of the truth.

A label loss is a function phi(log p), p the probability that the model gave to the true class. One pass over the
logits finds log p of every element; what follows is arithmetic on a tensor C times smaller. A soft label costs what
it costs on average: sum_c y_c phi(log p_c).
"""

from abc import abstractmethod
from typing import TypedDict, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import Weights, class_id, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, along_classes, counted, fit, product, widen

_NOTHING = -(2**31)
"""An ignore_index that no target holds: a stray -100 raises instead of vanishing."""


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
        if self.activation == "sigmoid":
            cost, weight = self._independent(logits, target, keep)
        elif target.is_floating_point():
            cost, weight = self._shared(logits, target, keep)
        else:
            cost, weight = self._exclusive(logits, target, keep)
        return reduce(cost, product(sample_weight, keep), self.reduction, weight=weight)

    def _exclusive(self, logits: Tensor, target: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Cost and weight [N, *S] of elements whose target is a class id."""
        index = (target if keep is None else target.where(keep, 0)).long()
        weight = None if self._weight is None else self._weight.to(logits.dtype)[index]
        if self.label_smoothing:
            price = self._price_of_each(logits)
            cost = price.gather(1, index.unsqueeze(1)).squeeze(1)
            return cost + self.label_smoothing * (price.mean(1) - cost), weight
        cost = self.phi(log_prob(logits, index))
        return cost if weight is None else cost * weight, weight

    def _shared(self, logits: Tensor, target: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Cost and weight [N, *S] of elements whose target is a probability per class."""
        truth = (target if keep is None else target.where(keep.unsqueeze(1), 0)).to(logits.dtype)
        weight = None if self._weight is None else (truth * along_classes(self._weight, truth)).sum(1)
        if self.label_smoothing:
            truth = truth + self.label_smoothing * (1 / truth.shape[1] - truth)
        return (truth * self._price_of_each(logits)).sum(1), weight

    def _price_of_each(self, logits: Tensor) -> Tensor:
        """Weighted price [N, C, *S] of each class, were it the true one."""
        price = self.phi(F.log_softmax(logits, 1))
        return price if self._weight is None else price * along_classes(self._weight, price)

    def _independent(self, logits: Tensor, target: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Cost [N, C, *S] of elements whose target is a label in [0, 1], and the weight of their class."""
        sides = self.sides(logits)
        negative, positive = sides or (1.0, 1.0)
        if target.is_floating_point() or self.label_smoothing:
            truth = (target if keep is None else target.where(keep, 0)).to(logits.dtype)
            truth = truth + self.label_smoothing * (0.5 - truth)
            cost = truth * positive * self.phi(F.logsigmoid(logits))
            cost = cost + (1 - truth) * negative * self.phi(F.logsigmoid(-logits))  # log(1 - p) = log sigmoid(-x)
        else:
            truth = target == 1
            cost = self.phi(F.logsigmoid(torch.where(truth, logits, -logits)))
            if sides is not None:
                cost = cost * (negative + (positive - negative) * truth.to(cost.dtype))
        if self._weight is None:
            return cost, None
        weight = along_classes(self._weight, logits)
        return cost * weight, weight


def log_prob(logits: Tensor, index: Tensor) -> Tensor:
    """Log-probability [N, *S] of the true class."""
    return -F.cross_entropy(logits, index, reduction="none", ignore_index=_NOTHING)
