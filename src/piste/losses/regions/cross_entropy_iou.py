"""Cross-entropy and overlap: (CE + (1 - IoU)) / 2, the mean of cross-entropy and the Jaccard loss.

The name is known from a commercial annotation tool whose definition is not public; this is ours.
"""

from collections.abc import Sequence
from math import log
from typing import Literal

from torch import Tensor

from piste.losses.arguments import Weights
from piste.losses.base import Loss
from piste.losses.elements import Activation
from piste.losses.labels.cross_entropy import CrossEntropy
from piste.losses.regions.jaccard import Jaccard
from piste.losses.regions.units import Absent
from piste.losses.spec import Case, loss


def as_printed(
    probs: list[list[float]], target: list[list[float]], element_weight: list[list[float]], activation: str
) -> float:
    """The batch: cross-entropy over its elements, then intersection over union of each class."""
    entropy = total = 0.0
    for p, y, w in zip(probs, target, element_weight, strict=True):
        for c in range(len(p)):
            if activation == "softmax":
                entropy -= w[c] * y[c] * log(p[c])
                total += w[c] / len(p)
            else:
                entropy -= w[c] * (y[c] * log(p[c]) + (1 - y[c]) * log(1 - p[c]))
                total += w[c]
    distances = []
    for c in range(len(probs[0])):
        shared = union = there = predicted = area = 0.0
        for p, y, w in zip(probs, target, element_weight, strict=True):
            shared += w[c] * min(p[c], y[c])
            union += w[c] * max(p[c], y[c])
            there += w[c] * y[c]
            predicted += w[c] * p[c]
            area += w[c]
        if there:
            distances.append(1 - shared / union)
        elif activation == "sigmoid" and area:
            distances.append(predicted / area)
    return (entropy / total + sum(distances) / len(distances)) / 2


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Ours, after the CrossEntropyIoULoss2D of Hasty, which has no public definition",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    unit="whole",
    variants=({"per_image": True}, {"absent": "formula"}),
    cases=(
        Case(
            {},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            ((log(4 / 3) + log(2)) / 2 + (1 / 2 + 3 / 5) / 2) / 2,
            "p of the truth is 3/4 and 1/2; 1 - IoU is 1/2 for class 0 and 3/5 for class 1",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, 0.0]]],
            [[[1, 1]]],
            (log(2) + 1 / 2) / 2,
            "p = 1/2 where all is true: -ln 1/2, and 1 - 1/2",
        ),
    ),
)
class CrossEntropyIoU(Loss):
    """The mean of cross-entropy and one minus soft intersection over union.

    Cross-entropy gives every element a slope from the first step; the overlap keeps small classes from drowning.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`, with the shapes of `RegionLoss`. It is
    one number made of two kinds of average, so it has no `reduction`.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class, for both halves.
        ignore_index: Integer targets of this value do not count.
        per_image: Whether the overlap is that of each image, rather than the batch's.
        classes: "all", or the class ids whose overlap is scored; cross-entropy is always over all.
        absent: What a class with no element costs in the overlap, as in `RegionLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Ours, after Hasty's CrossEntropyIoULoss2D, which has no public definition.

    Example:
        >>> import torch
        >>> CrossEntropyIoU()(torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 0], [1, 1]]]))
        tensor(0.6799)
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
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = weight
        self.ignore_index = ignore_index
        self.per_image = per_image
        self.classes = classes
        self.absent = absent
        self._entropy = CrossEntropy(activation=activation, weight=weight, ignore_index=ignore_index)
        self._overlap = Jaccard(
            activation=activation,
            weight=weight,
            ignore_index=ignore_index,
            per_image=per_image,
            classes=classes,
            absent=absent,
        )

    def forward(
        self, logits: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the logits; see the class."""
        entropy: Tensor = self._entropy(logits, target, mask=mask, sample_weight=sample_weight)
        overlap: Tensor = self._overlap(logits, target, mask=mask, sample_weight=sample_weight)
        return (entropy + overlap) / 2
