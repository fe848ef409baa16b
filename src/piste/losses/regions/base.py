"""The base of region losses: a price for how much of a predicted and a true area overlap.

A region loss is a function of three sums per class: true positives, false positives and false negatives. They are
found in one place, for hard and for soft labels, per image or over the batch.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

import torch
from torch import Tensor

from piste.losses.arguments import Weights, class_id, class_ids, number, one_of, per_class, switch
from piste.losses.base import Loss, Reduction
from piste.losses.elements import Activation, as_numbers, counted, fit, widen
from piste.losses.regions.areas import Areas, amount, areas_of_ids, areas_of_shares
from piste.losses.regions.units import Absent, absent_or_default, fit_classes, over_units, ratio


class RegionKeywords(TypedDict, total=False):
    """The keywords that every region loss takes; see `RegionLoss`."""

    activation: Activation
    weight: Weights | None
    ignore_index: int | None
    reduction: Reduction
    per_image: bool
    classes: Literal["all"] | Sequence[int]
    absent: Absent | None
    smooth: float


class RegionLoss(Loss):
    """A loss over areas: what each class costs, averaged over classes.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`:

    - activation="softmax": logits [N, C, *S]; target integer [N, *S], or probabilities [N, C, *S] that sum to 1.
    - activation="sigmoid": logits and target [N, C, *S]; target bool, integer 0 and 1, or floating in [0, 1].
    - mask (bool, True where an element counts) and sample_weight (>= 0): [N, *S] with softmax, [N, C, *S] with
      sigmoid; any axis may have size 1. Both enter all three areas: an element that does not count has exactly no
      gradient. Only the proportions of sample_weight matter, 0 is as if masked, and no gradient flows back to it;
      with `per_image` an image counts by the mean of its weights above 0.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class, for the mean over classes.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean" is sum(weight * cost) / sum(weight) over the classes (and images) that count, 0 if none
            does; "sum"; "none" for one weighted cost a class, [C], or [N, C] with `per_image`.
        per_image: Whether each image is scored alone, so that small objects are not drowned by another image's large
            ones. Off, the areas are those of the batch, as if it were one image, and the value depends on how
            images are batched.
        classes: "all", or the class ids that are scored. Leaving out the background is common where it is most
            of the image; its misses still pay as false alarms of other classes.
        absent: What a class with no element in the image (or batch) costs. "skip": it is left out of the mean.
            "area": the share of the counted elements that was predicted to be it, so that a false alarm on an empty
            image has a price and a gradient. "formula": what the formula gives, for an overlap 1 however little was
            predicted. None is "skip" with softmax over all classes, where another class's miss already pays for a
            false alarm, and "area" otherwise.
        smooth: Elements added to the overlap and to the whole, >= 0. Raising it softens what small areas cost; 0 is
            the formula as printed, and peers often default to 1.
    """

    _weight: Tensor | None
    _classes: Tensor | None

    def __init__(
        self,
        *,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        per_image: bool = False,
        classes: Literal["all"] | Sequence[int] = "all",
        absent: Absent | None = None,
        smooth: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = one_of("activation", activation, get_args(Activation))
        self.weight = weight
        self.ignore_index = class_id("ignore_index", ignore_index)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.per_image = switch("per_image", per_image)
        self.classes = classes
        self.absent = absent if absent is None else one_of("absent", absent, get_args(Absent))
        self.smooth = number("smooth", smooth, "a number of elements", low=0.0)
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)
        self.register_buffer("_classes", class_ids("classes", classes), persistent=False)

    @abstractmethod
    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price of each class, 0 where nothing is wrong, given the areas of its hits, false alarms and misses."""

    def share(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor | None:
        """What each class counts in the one price of all classes together; None where each has its own."""
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
        fit_classes(self.classes, logits)
        logits = widen(logits)
        keep = counted(target, self.ignore_index, mask)
        if self.activation == "softmax":
            keep, sample_weight = (None if each is None else each.unsqueeze(1) for each in (keep, sample_weight))
        count = None if keep is None else as_numbers(keep, logits)
        number = total = amount(count, logits)
        if sample_weight is not None:
            weights = sample_weight.detach().to(logits.dtype)
            count = weights if count is None else weights * count
            number, total = amount(count.sign(), logits), amount(count, logits)
        tp, fp, fn = self._areas(logits, target, keep, count)
        number, total = (each.expand_as(tp) for each in (number, total))
        return self._over_classes(torch.stack((tp, fp, fn, number, total)))

    def _areas(self, logits: Tensor, target: Tensor, keep: Tensor | None, count: Tensor | None) -> Areas:
        """Areas [N, C] for whichever kind of target came."""
        if self.activation == "softmax" and not target.is_floating_point():
            index = target.long().unsqueeze(1)
            return areas_of_ids(logits, index if keep is None else index.where(keep, 0), count)
        target = target if target.is_floating_point() or target.dtype == torch.bool else target == 1
        if keep is not None:  # what is unknown may be anything, even NaN
            target = target & keep if target.dtype == torch.bool else target.where(keep, 0)
        return areas_of_shares(logits, target, count, self.activation)

    def _over_classes(self, sums: Tensor) -> Tensor:
        """Cost, given areas, number and total weight of the elements that count, stacked: [5, N, C]."""
        if not self.per_image:
            sums = sums.sum(1)
        if self._classes is not None:
            sums = sums.index_select(-1, self._classes)
        number, total = sums[3], sums[4]
        tp, fp, fn = sums[:3] * ratio(number, total)
        weight = self._weight if self._weight is None or self._classes is None else self._weight[self._classes]
        return over_units(
            self.cost(tp, fp, fn),
            present=tp + fn > 0,
            area=ratio(tp + fp, number),
            number=number,
            total=total,
            per_image=self.per_image,
            weight=weight,
            absent=absent_or_default(self.absent, self.activation, self._classes),
            reduction=self.reduction,
            share=self.share(tp, fp, fn),
        )
