"""The units of a region loss, each class of the batch or of each image: which of them count, and their average."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from piste.losses.base import Reduction, reduce
from piste.losses.elements import Activation

Absent = Literal["skip", "area", "formula"]

_TINY = 1e-30
"""Stands for an empty area: 0 / 0 is 0, and neither the ratio nor its gradient overflows float32."""


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Share of a part in the whole, 0 if both are empty."""
    return part / whole.clamp(min=_TINY)


def fit_classes(classes: str | Sequence[int], logits: Tensor) -> None:
    """Refuse chosen classes that the logits do not have.

    Raises:
        ValueError: Says how many classes there are.
    """
    if not isinstance(classes, str) and max(classes) >= logits.shape[1]:
        raise ValueError(f"`classes` must lie below the {logits.shape[1]} of `logits`; got {classes!r}.")


def shares(target: Tensor, keep: Tensor | None, logits: Tensor) -> Tensor:
    """How much of each element is each class, shaped and typed as the logits; 0 where `keep` says that it is unknown.

    Args:
        target: Class ids [N, *S], or shares or labels of the logits' shape.
        keep: Which elements count, [N, 1, *S] for class ids; None for all.
        logits: [N, C, *S].
    """
    if target.dim() == logits.dim():
        return (target if keep is None else target.where(keep, 0)).to(logits.dtype)
    ids = torch.arange(logits.shape[1], device=logits.device).view(-1, *[1] * (logits.dim() - 2))
    truth = target.unsqueeze(1) == ids
    return (truth if keep is None else truth & keep).to(logits.dtype)


def labels_by_class(target: Tensor, logits: Tensor) -> tuple[Tensor, Tensor | None]:
    """The target, and where it is integers those that say that an element is of a class, both [N, C, *S] or 1 for C."""
    if target.is_floating_point():
        return target, None
    if target.dim() == logits.dim():
        return target, target.new_ones([1] * target.dim())
    ids = torch.arange(logits.shape[1], device=logits.device)
    return target.unsqueeze(1), ids.view(1, -1, *[1] * (logits.dim() - 2))


def absent_or_default(absent: Absent | None, activation: Activation, classes: Tensor | None) -> Absent:
    """What a class without an element costs, where nothing is said: see `RegionLoss`."""
    return absent or ("skip" if activation == "softmax" and classes is None else "area")


def over_units(
    cost: Tensor,
    *,
    present: Tensor,
    area: Tensor | None,
    number: Tensor,
    total: Tensor,
    per_image: bool,
    weight: Tensor | None,
    absent: Absent,
    reduction: Reduction,
    share: Tensor | None = None,
) -> Tensor:
    """Average the costs of all units, [C] or with `per_image` [N, C].

    Args:
        cost: Cost of each unit by the loss's formula.
        present: Whether the unit has an element of its class.
        area: Share of the elements that count which was predicted to be the class; None unless absent is "area".
        number: How many elements count.
        total: What they count together.
        per_image: Whether the units are those of each image, which then counts by the mean weight of its elements.
        weight: A number per class.
        absent: What a unit costs that is not present.
        reduction: As in `reduce`.
        share: What each class counts in one price of all classes together; None where each has its own.
    """
    counts = ratio(total, number) if per_image else (total > 0).to(cost.dtype)
    if weight is not None:
        counts = counts * weight.to(cost.dtype)
    if absent == "skip":
        counts = counts * present
    elif area is not None and absent == "area":
        cost = torch.where(present if share is None else present.any(-1, keepdim=True), cost, area)
    if share is not None:
        share = share * counts
        cost = ratio((share * cost).sum(-1), share.sum(-1))
        counts = ratio(total.sum(-1), number.sum(-1)) * (share.sum(-1) > 0)
    return reduce(cost, counts, reduction)
