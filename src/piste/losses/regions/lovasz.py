"""Lovasz loss: the convex surface through the discrete Jaccard loss of every set of mistakes.

With errors m sorted from the largest, and F(M) the Jaccard loss if just the elements in M are wrong,
sum_i m_i (F({1..i}) - F({1..i-1})), F(M) = |M| / |truth or M|.
"""

from collections.abc import Sequence
from math import ceil, log, log1p, prod
from typing import Literal, get_args

from torch import Tensor

from piste.losses.arguments import Weights, class_id, class_ids, one_of, per_class, switch
from piste.losses.base import Loss, Reduction
from piste.losses.elements import Activation, as_numbers, counted, fit, widen
from piste.losses.regions.areas import amount, over_space
from piste.losses.regions.extension import extended
from piste.losses.regions.units import Absent, absent_or_default, fit_classes, labels_by_class, over_units, ratio
from piste.losses.spec import Case, loss

Errors = Literal["probability", "hinge"]


def as_printed(
    probs: list[float], target: list[float], element_weight: list[float], errors: str, bins: int | None
) -> float:
    """One class; a soft label is y of an element that is true and 1 - y of one that is not."""
    tied: dict[float, list[tuple[float, float, float]]] = {}
    for p, y, w in zip(probs, target, element_weight, strict=True):
        if w:
            error = abs(y - p) if errors == "probability" else max(0.0, 1 - (2 * y - 1) * (log(p) - log1p(-p)))
            tied.setdefault(ceil(error * bins) if bins else error, []).append((error, w * y, w * (1 - y)))
    truth = sum(inside for group in tied.values() for _, inside, _ in group)
    cost = missed = false = 0.0

    def jaccard(missed: float, false: float) -> float:
        return (missed + false) / (truth + false) if truth + false else 0.0

    for _, group in sorted(tied.items(), reverse=True):
        inside, outside = (sum(each) for each in list(zip(*group, strict=True))[1:])
        before, after = jaccard(missed, false), jaccard(missed + inside, false + outside)
        true_first, false_first = jaccard(missed + inside, false), jaccard(missed, false + outside)
        by_true = (true_first - before + after - false_first) / 2 / (inside or 1)
        by_false = (after - true_first + false_first - before) / 2 / (outside or 1)
        cost += sum(error * (by_true * i + by_false * o) for error, i, o in group)
        missed, false = missed + inside, false + outside
    return cost


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Berman et al. 2018, arXiv:1705.08790",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    variants=({"activation": "sigmoid", "errors": "hinge"}, {"bins": 8}),
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
        bins: How many bins, >= 2, the errors are counted in, rather than sorted, which takes most of the time; errors
            in one bin are tied. The value is then at most 1 / bins below that of sorting, never above it, and the same
            at sure answers. None to sort. With errors="probability" only.
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
        ValueError: An argument breaks its rule, or `errors` is "hinge" with softmax or with `bins`.

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
        bins: int | None = None,
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
        if bins is not None and (not isinstance(bins, int) or bins < 2):
            raise ValueError(f"`bins` must be None, to sort the errors, or an integer >= 2; got {bins!r}.")
        if bins is not None and errors == "hinge":
            raise ValueError(
                f'`bins` goes with errors="probability", which end at 1; got bins={bins} and errors="hinge".'
            )
        self.bins = bins
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
        if sample_weight is not None:
            keep = sample_weight > 0 if keep is None else keep & (sample_weight > 0)
        if self.activation == "softmax":
            keep, sample_weight = (None if each is None else each.unsqueeze(1) for each in (keep, sample_weight))
        count = None
        if sample_weight is not None and keep is not None:
            count = sample_weight.detach().to(logits.dtype).where(keep, 0)
        probs = logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()
        hinge = self.errors == "hinge"
        target, ids = labels_by_class(target, logits)
        scores, target = (self._in_units(each, logits) for each in (logits if hinge else probs, target))
        others = [None if each is None else self._in_units(each, logits) for each in (ids, keep, count)]
        cost, present = extended(scores, target, *others, hinge=hinge, bins=self.bins)
        absent = absent_or_default(self.absent, self.activation, self._classes)
        counts = count if keep is None or count is not None else as_numbers(keep, logits)
        number, total = (self._over_units(amount(each, logits).expand(logits.shape[:2])) for each in (keep, counts))
        area = None
        if absent == "area":
            area = ratio(self._over_units(over_space(probs if counts is None else probs * counts)), total)
        return over_units(
            cost if self.per_image else cost[0],
            present=present if self.per_image else present[0],
            area=area,
            number=number,
            total=total,
            per_image=self.per_image,
            weight=self._weight if self._weight is None or self._classes is None else self._weight[self._classes],
            absent=absent,
            reduction=self.reduction,
        )

    def _in_units(self, x: Tensor, logits: Tensor) -> Tensor:
        """The elements of each unit: [N, C, *S] as [N, C, 1, P], or as [1, C, N, P] for the batch."""
        images, _, *space = logits.shape
        x = self._chosen(x)
        x = x.expand(images, -1, *space).reshape(images, x.shape[1], prod(space))
        return x.unsqueeze(2) if self.per_image else x.transpose(0, 1).unsqueeze(0)

    def _over_units(self, sums: Tensor) -> Tensor:
        """Sums of each unit, [N, C] or [C] for the batch, given those of each image."""
        sums = self._chosen(sums)
        return sums if self.per_image else sums.sum(0)

    def _chosen(self, x: Tensor) -> Tensor:
        """The chosen classes, along an axis that may have size 1."""
        return x if self._classes is None or x.shape[1] == 1 else x.index_select(1, self._classes)
