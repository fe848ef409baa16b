"""IoU-balanced classification loss: w_i CE_i of a positive, CE_i of a negative.

w_i = iou_i^eta * sum CE / sum (iou^eta CE), the sums over the positives, so that their total stays as it is.
"""

from math import log
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number, one_of
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, fit, product, widen
from piste.losses.spec import Between, Case, loss


def as_printed(
    at: int, probs: list[float], positive: list[bool], iou: list[float], element_weight: list[float], eta: float
) -> float:
    """Element `at` of a batch, in which `probs` are those of the truths."""
    cost = -log(probs[at])
    if not positive[at]:
        return cost
    total = weighted = 0.0
    for p, is_positive, overlap, weight in zip(probs, positive, iou, element_weight, strict=True):
        if is_positive:
            total += weight * -log(p)
            weighted += weight * overlap**eta * -log(p)
    return iou[at] ** eta * total / weighted * cost if weighted else cost


@loss(
    tasks=("detection",),
    call="scored",
    targets=("index", "labels"),
    source="Wu et al. 2019, arXiv:1908.05641",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"eta": Between(0.0, 2.0)},
    reference=as_printed,
    variants=({"eta": 0.0}, {"eta": 1.0}),
    cases=(
        Case(
            {"eta": 1.0, "reduction": "sum"},
            [[0.0, 0.0], [0.0, 0.0], [log(3), 0.0]],
            {"target": [1, 1, 0], "iou": [1.0, 0.5, 0.0]},
            2 * log(2) + log(4 / 3),
            "the positives cost ln 2 each and weigh 4/3 and 2/3, 2 together; the negative costs -ln 3/4",
        ),
        Case(
            {"eta": 2.0, "activation": "sigmoid"},
            [[0.0, 0.0], [0.0, log(3)]],
            {"target": [[1, 0], [0, 1]], "iou": [0.5, 1.0]},
            (3 * log(2) + log(4 / 3)) / 4,
            "the positives, ln 2 and ln 4/3, keep their total; the negatives cost ln 2 each; the mean is over 4 labels",
        ),
    ),
    waivers={
        "every_keyword_changes_something": "eta moves shares between the positives and leaves their mean as it is",
        "gradient_is_that_of_finite_differences": "the paper's weights are held constant in the gradient",
        "gradient_is_that_of_the_reference": "the paper's weights are held constant in the gradient",
        "gradient_can_be_differentiated_again": "the paper's weights are held constant in the gradient",
    },
)
class IoUBalancedClassification(Loss):
    """IoU-balanced classification loss: cross-entropy that has well-placed boxes learn their class first.

    Scores come to say how well a box is placed, by which non-maximum suppression then chooses. The value is that of
    cross-entropy, whatever eta; what moves is the gradient, which a positive has in proportion to iou^eta.

    A positive that shares nothing with its target has weight 0; if none shares anything, all keep a weight of 1.
    Without positives it is cross-entropy.

    Called as `loss(logits, target, *, iou, mask=None, sample_weight=None)`: logits [N, C, *S] of N boxes (or of N
    images with anchors *S); iou [N, *S], in [0, 1], of each regressed box and its truth, without gradient, and of no
    meaning for negatives; mask and sample_weight as for `LabelLoss`. The totals are over the call: one call a feature
    level is the authors' way.

    Args:
        eta: How much more positives count the better they are placed, >= 0; 0 is cross-entropy. The paper's best is
            1.5.
        activation: "softmax" with target [N, *S], class ids, of which 0 is the background and all others are positive;
            "sigmoid" with target [N, C, *S] of 0 and 1, of which the 1 are positive.
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over what counts; "sum", which detectors
            divide by their number of positives; "none".

    Raises:
        ValueError: An argument breaks its rule.

    Source: Wu et al. 2019, arXiv:1908.05641.

    Example:
        >>> loss = IoUBalancedClassification(eta=1.0, reduction="none")
        >>> loss(torch.zeros(3, 2), torch.tensor([1, 1, 0]), iou=torch.tensor([1.0, 0.5, 0.0]))
        tensor([0.9242, 0.4621, 0.6931])
    """

    def __init__(self, *, eta: float = 1.5, activation: Activation = "softmax", reduction: Reduction = "mean") -> None:
        super().__init__()
        self.eta = number("eta", eta, "an exponent", low=0.0)
        self.activation = one_of("activation", activation, get_args(Activation))
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        iou: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Cost of the logits; see the class."""
        self._fit(logits, target, iou, mask, sample_weight)
        logits = widen(logits)
        if mask is not None:
            target = target.where(mask, 0)
        if self.activation == "softmax":
            cost = F.cross_entropy(logits, target.long(), reduction="none")
        else:
            cost = F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
            iou = iou.unsqueeze(1)
        count = product(sample_weight, mask)
        return reduce(cost * self._balance(cost.detach(), target > 0, iou, count), count, self.reduction)

    def _balance(self, cost: Tensor, positive: Tensor, iou: Tensor, count: Tensor | None) -> Tensor:
        """The weight of each element."""
        iou = iou.detach().to(cost.dtype).where(positive, 1)
        share = iou.pow(self.eta * torch.ones_like(iou))  # an exponent in a tensor is not compiled anew where it moves
        counted = (cost if count is None else cost * count).where(positive, 0)
        weighted = (share * counted).sum()
        return (share * (counted.sum() / weighted)).where(positive & (weighted > 0), 1)

    def _fit(
        self, logits: Tensor, target: Tensor, iou: Tensor, mask: Tensor | None, sample_weight: Tensor | None
    ) -> None:
        """Refuse what does not fit together, by shape and dtype alone."""
        if self.activation == "softmax" and target.is_floating_point():
            raise ValueError(f"`target` must hold class ids, integers [N, *S], with softmax; got {target.dtype}.")
        fit(
            logits,
            target,
            self.activation,
            weight=None,
            ignore_index=None,
            mask=mask,
            sample_weight=sample_weight,
        )
        boxes = logits.shape[:1] + logits.shape[2:]
        if iou.shape != boxes:
            raise ValueError(f"`iou` must have one number a box, [N, *S] = {list(boxes)}; got {list(iou.shape)}.")
