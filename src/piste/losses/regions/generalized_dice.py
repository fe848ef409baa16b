"""Generalised Dice loss: 1 - 2 sum_c w_c tp_c / sum_c w_c (2 tp_c + fp_c + fn_c), w_c = 1 / (tp_c + fn_c)^2.

It is the mean of the Dice losses of the classes, each counting w_c times the sum of its two areas.
"""

from collections.abc import Sequence
from math import log
from typing import Literal

import torch
from torch import Tensor

from piste.losses.arguments import Weights
from piste.losses.elements import Activation
from piste.losses.regions.base import RegionLoss
from piste.losses.regions.units import Absent, ratio
from piste.losses.spec import Case, loss


def as_printed(
    probs: list[list[float]],
    target: list[list[float]],
    element_weight: list[list[float]],
    activation: str,
    smooth: float,
) -> float:
    """The batch; a class that is not there is left out, or with sigmoid weighs as much as the rarest that is."""
    classes = range(len(probs[0]))
    there = [sum(w[c] * y[c] for y, w in zip(target, element_weight, strict=True)) for c in classes]
    predicted = [sum(w[c] * p[c] for p, w in zip(probs, element_weight, strict=True)) for c in classes]
    number = [sum(w[c] > 0 for w in element_weight) for c in classes]
    total = [sum(w[c] for w in element_weight) for c in classes]
    if not any(there):
        shares = [p / t for p, t in zip(predicted, total, strict=True) if t]
        return sum(shares) / len(shares) if activation == "sigmoid" and shares else 0.0
    scale = [n / t if t else 0.0 for n, t in zip(number, total, strict=True)]  # weights have a mean of 1
    rarest = min(s * g for s, g in zip(scale, there, strict=True) if g)
    both = areas = 0.0
    for c in classes:
        if not total[c] or (not there[c] and activation == "softmax"):
            continue
        price = 1 / (scale[c] * there[c] or rarest) ** 2
        hit = sum(w[c] * min(p[c], y[c]) for p, y, w in zip(probs, target, element_weight, strict=True))
        both += price * (scale[c] * 2 * hit + smooth)
        areas += price * (scale[c] * (predicted[c] + there[c]) + smooth)
    return 1 - both / areas


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Sudre et al. 2017, arXiv:1707.03237",
    value_range=(0.0, 1.0),
    tendency="neither",
    reference=as_printed,
    unit="whole",
    variants=({"smooth": 1.0}, {"per_image": True}),
    cases=(
        Case(
            {},
            [[[log(3), 0.0, 0.0], [0.0, 0.0, 0.0]]],
            [[0, 1, 1]],
            1 - 2 * (3 / 4 + 1 / 4) / ((7 / 4 + 1) + (5 / 4 + 2) / 4),
            "class 0 has 1 element and weight 1, class 1 has 2 and weight 1/4; "
            "hits of 3/4 and of 1, predicted areas of 7/4 and of 5/4",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, 0.0], [0.0, -40.0]]],
            [[[1, 1], [0, 0]]],
            1 - 2 * (1 / 4) / ((1 + 2) / 4 + (1 / 2) / 4),
            "class 0 has 2 elements and weight 1/4, hits 1 of an area of 1; class 1 is not there, has the same weight "
            "and a false alarm of 1/2",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, 0.0, -40.0, -40.0]]],
            [[[0, 0, 0, 0]]],
            1 / 4,
            "no true element: the share of the four that was predicted, 1 / 4",
        ),
    ),
)
class GeneralizedDice(RegionLoss):
    """Generalised Dice loss: one Dice of all classes together, in which each class weighs by the inverse of its size.

    The usual partner of a boundary loss. A class's weight is one over the square of its number of elements, so that
    a class of ten pixels is heard beside one of ten thousand; where a tiny class is often wrongly labelled, prefer
    `Dice`. With one class it is `Dice`.

    It has no `reduction`: all classes share one cost, and the value is the mean over images, or the batch's cost.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A further number >= 0 per class, multiplied to its weight.
        ignore_index: Integer targets of this value do not count.
        per_image: Whether each image is scored alone, with weights of its own, as in the boundary loss's paper. Off,
            the batch is scored as if it were one image.
        classes: "all", or the class ids that are scored.
        absent: What a class with no element in the image (or batch) counts: its weight would be infinite. "skip": it
            is left out of both sums, as if it were not scored. "area": it weighs as much as the rarest class that is
            there, so that a false alarm has a price and a gradient; where no class is there, the cost is the share of
            the counted elements that was predicted. "formula": the same, but where no class is there an overlap of 0
            costs 1 however little was predicted. None is "skip" with softmax over all classes, where another
            class's miss already pays for a false alarm, and "area" otherwise.
        smooth: Elements added to the overlap and to the whole of each class, >= 0.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Sudre et al. 2017, arXiv:1707.03237. For soft labels tp is min(p, y), as in `Dice`.

    Example:
        >>> import torch
        >>> GeneralizedDice()(torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 0], [0, 1]]]))
        tensor(0.6250)
    """

    def __init__(
        self,
        *,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        per_image: bool = False,
        classes: Literal["all"] | Sequence[int] = "all",
        absent: Absent | None = None,
        smooth: float = 0.0,
    ) -> None:
        super().__init__(
            activation=activation,
            weight=weight,
            ignore_index=ignore_index,
            per_image=per_image,
            classes=classes,
            absent=absent,
            smooth=smooth,
        )

    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price what is wrong, as a share of both areas."""
        return ratio(fp + fn, 2 * tp + fp + fn + self.smooth)

    def share(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Count each class by its areas over the square of its size, of which only the proportions matter."""
        size = (tp + fn).detach()
        present = size > 0
        rarest = size.where(present, torch.finfo(size.dtype).max).amin(-1, keepdim=True)
        weight = (rarest / size.where(present, rarest)).square()
        areas = 2 * tp + fp + fn + self.smooth
        return torch.where(present.any(-1, keepdim=True), weight * areas, 1.0)
