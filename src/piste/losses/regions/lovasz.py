"""Lovasz loss: the convex surface through the discrete Jaccard loss of every set of mistakes.

With errors m sorted from the largest, and F(M) the Jaccard loss if just the elements in M are wrong,
sum_i m_i (F({1..i}) - F({1..i-1})), F(M) = |M| / |truth or M|.
"""

from collections.abc import Sequence
from math import log, log1p, prod
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import Weights, class_id, class_ids, one_of, per_class, switch
from piste.losses.base import Loss, Reduction
from piste.losses.elements import Activation, counted, fit, product, widen
from piste.losses.regions.units import Absent, absent_or_default, fit_classes, over_units, ratio, shares
from piste.losses.spec import Case, loss

Errors = Literal["probability", "hinge"]


def as_printed(probs: list[float], target: list[float], element_weight: list[float], errors: str) -> float:
    """One class; a soft label is y of an element that is true and 1 - y of one that is not."""
    rows = []
    for p, y, w in zip(probs, target, element_weight, strict=True):
        if not w:
            continue
        error = abs(y - p) if errors == "probability" else max(0.0, 1 - (2 * y - 1) * (log(p) - log1p(-p)))
        rows.append((error, w * y, w * (1 - y)))
    rows.sort(reverse=True)
    truth = sum(inside for _, inside, _ in rows)
    cost = wrong = outside = before = 0.0
    for error, missed, false in rows:
        wrong += missed + false
        outside += false
        jaccard = wrong / (truth + outside)
        cost += error * (jaccard - before)
        before = jaccard
    return cost


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Berman et al. 2018, arXiv:1705.08790",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=({"activation": "sigmoid", "errors": "hinge"},),
    waivers={
        "declared_range_is_no_wider_than_need_be": "errors of probabilities end at 1, and only hinge errors have no end"
    },
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[log(3), 0.0, -log(3)]]],
            [[[1, 1, 0]]],
            1 / 2 * 1 / 2 + 1 / 4 * 1 / 2,
            "errors 1/4, 1/2, 1/4; wrong in turn: a miss, 1 of 2; the other, 2 of 2; the last adds 3/3 - 2/2 = 0",
        ),
        Case(
            {"activation": "sigmoid", "errors": "hinge"},
            [[[2.0, -1.0, 0.5]]],
            [[[1, 1, 0]]],
            2 * 1 / 2 + 1.5 * (2 / 3 - 1 / 2),
            "errors 0, 2, 1.5: the miss costs 1/2, the false alarm then 2 / 3 - 1 / 2; what is right by 1 is free",
        ),
        Case(
            {},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            (1 / 2 * 1 / 2 + 1 / 4 * 1 / 2 + 1 / 2 * 1) / 2,
            "errors 1/4 and 1/2 for both classes. Class 0: the false alarm first, 1 of 2, then the miss, 2 of 2. "
            "Class 1: the miss is all of it",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[log(3), 0.0]]],
            [[[0, 0]]],
            5 / 8,
            "no true element: the share of the two that was predicted, (3/4 + 1/2) / 2",
        ),
    ),
)
class Lovasz(Loss):
    """Lovasz loss: the Jaccard score itself as a surface that training can walk down.

    Between sure answers it is linear, and at each of them it is the Jaccard loss. Elements are sorted by their
    error, so every element's slope depends on all that are worse. It tunes a network that was trained with
    cross-entropy, or is added to it; alone from the start it often trains badly.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`, with the shapes of `RegionLoss`. A sample weight
    is the size of its element in the Jaccard score; only proportions matter.

    Args:
        errors: "probability" for |y - p|, the paper's Lovasz-Softmax. "hinge" for max(0, 1 - x (2 y - 1)) on the raw
            score x, its binary Lovasz hinge, with activation="sigmoid" only: what is right by a margin of 1 has no
            slope, and what is wrong costs without end.
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class, for the mean over classes.
        ignore_index: Integer targets of this value do not count.
        reduction: As in `RegionLoss`.
        per_image: Whether each image is scored alone; the paper does for the hinge and does not for the softmax. Off,
            the batch is scored as if it were one image, whose Jaccard score is not that of the data set.
        classes: "all", or the class ids that are scored.
        absent: What a class with no element in the image (or batch) costs. "skip": it is left out of the mean, the
            authors' classes="present". "area": the share of the counted elements that was predicted to be it.
            "formula": its largest error alone, the authors' classes="all". None is "skip" with softmax over all
            classes, and "area" otherwise.

    Raises:
        ValueError: An argument breaks its rule, or `errors` is "hinge" with softmax.

    Source: Berman et al. 2018, arXiv:1705.08790. For soft labels, which the paper does not treat, an element counts
        as y of a true one and 1 - y of one that is not; p = y costs nothing with errors="probability".

    Example:
        >>> import torch
        >>> Lovasz()(torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 0], [0, 1]]]))
        tensor(0.5000)
    """

    _weight: Tensor | None
    _classes: Tensor | None

    def __init__(
        self,
        *,
        errors: Errors = "probability",
        activation: Activation = "softmax",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        per_image: bool = False,
        classes: Literal["all"] | Sequence[int] = "all",
        absent: Absent | None = None,
    ) -> None:
        super().__init__()
        self.errors = one_of("errors", errors, get_args(Errors))
        self.activation = one_of("activation", activation, get_args(Activation))
        if errors == "hinge" and activation == "softmax":
            raise ValueError(
                '`errors` may be "hinge" with activation="sigmoid" alone, since scores of exclusive classes have no '
                'sign of their own; got activation="softmax".'
            )
        self.weight = weight
        self.ignore_index = class_id("ignore_index", ignore_index)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.per_image = switch("per_image", per_image)
        self.classes = classes
        self.absent = absent if absent is None else one_of("absent", absent, get_args(Absent))
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)
        self.register_buffer("_classes", class_ids("classes", classes), persistent=False)

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
        fit_classes(self.classes, logits)
        logits = widen(logits)
        keep = counted(target, self.ignore_index, mask)
        if self.activation == "softmax":
            keep, sample_weight = (None if each is None else each.unsqueeze(1) for each in (keep, sample_weight))
        truth = shares(target, keep, logits)
        probs = logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()
        errors = (truth - probs).abs() if self.errors == "probability" else F.relu(1 - logits * (2 * truth - 1))
        count = product(sample_weight, keep)
        counts = torch.ones_like(errors) if count is None else count.detach().to(errors.dtype).expand_as(errors)
        errors, truth, probs, counts = (self._by_unit(each) for each in (errors, truth, probs, counts))
        number, total = (counts > 0).sum(-1).to(counts.dtype), counts.sum(-1)
        inside = truth * counts
        return over_units(
            extended(errors.where(counts > 0, 0), inside, counts - inside),
            present=inside.sum(-1) > 0,
            area=ratio((probs * counts).sum(-1), total),
            number=number,
            total=total,
            per_image=self.per_image,
            weight=self._weight if self._weight is None or self._classes is None else self._weight[self._classes],
            absent=absent_or_default(self.absent, self.activation, self._classes),
            reduction=self.reduction,
        )

    def _by_unit(self, x: Tensor) -> Tensor:
        """The elements of each unit: [N, C, *S] as [N, C, P], or as [C, N P] for the batch; chosen classes only."""
        x = x if self._classes is None else x.index_select(1, self._classes)
        x = x.reshape(*x.shape[:2], prod(x.shape[2:]))
        return x if self.per_image else x.transpose(0, 1).flatten(1)


def extended(errors: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
    """The Lovasz extension of the Jaccard loss at some errors >= 0, along the last axis.

    Args:
        errors: Error of each element, 0 where it does not count.
        inside: How much of the element is true.
        outside: How much of it is not.
    """
    errors, order = errors.sort(dim=-1, descending=True, stable=True)
    inside, outside = inside.gather(-1, order), outside.gather(-1, order)
    truth = inside.sum(-1, keepdim=True)
    union = truth + outside.cumsum(-1)
    before = union - outside
    found = (truth - inside.cumsum(-1) + inside).clamp(min=0)
    # what the Jaccard loss grows by, without a difference of two numbers near to each other
    score = torch.where(before > 0, found / before.where(before > 0, 1), 1)
    return (errors * (ratio(inside, union) + ratio(outside, union) * score)).sum(-1)
