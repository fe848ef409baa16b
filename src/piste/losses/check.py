"""A look at the values of one batch, which no loss takes in the step: on the first batch it finds what is wrong."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.elements import counted, fit, fit_elements
from piste.losses.spec import catalogue

_ROUNDING = 1e-2
"""How far the probabilities of a soft target may be from summing to 1: half precision comes this near."""


def check(
    loss: Callable[..., Tensor],
    prediction: Tensor,
    target: Tensor | Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    sample_weight: Tensor | None = None,
    **call: Tensor,
) -> None:
    """Look at the values of a batch: what goes into a loss, what comes out, and the gradient.

    It waits for the device, so call it once, on the first batch. Of a function that is no `Loss` only the prediction,
    the value and the gradient are looked at.

    Args:
        loss: A loss, or any function that is called like one.
        prediction: Logits or values, as the loss takes them.
        target: Target, as the loss takes it. Of a mapping, a loss that reads nothing beside labels is handed these.
        mask: Elements that count; nothing is asked of the others' targets.
        sample_weight: What each element counts.
        **call: Further tensors that the loss is called with.

    Raises:
        ValueError: Shapes do not fit; the prediction, the loss or its gradient is not finite; a class id is out of
            range; a label lies outside [0, 1]; the probabilities of a soft target do not sum to 1; a sample weight
            is negative or not finite.

    Example:
        >>> from piste.losses import CrossEntropy
        >>> check(CrossEntropy(), torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 255]]]))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: `target` must hold class ids 0 to 1; got 255 at [0, 0, 1] (1 of 2). Set ignore_index= if ...
    """
    if not prediction.is_floating_point():
        raise ValueError(f"the prediction must be floating; got {prediction.dtype}.")
    cure = "Look for a division by 0 or a learning rate too large."
    _refuse(~prediction.isfinite(), prediction, "the prediction must be finite", cure)
    if isinstance(target, Mapping) and not getattr(loss, "reads", ()):
        target = target["labels"]
    if isinstance(loss, Loss):
        _check_weights(sample_weight)
        if isinstance(target, Mapping) or _call_of(loss) not in ("elements", "spatial"):
            _check_named(target if isinstance(target, Mapping) else {"target": target})
        else:
            _check_target(loss, prediction, target, mask, sample_weight)
    given = {"mask": mask, "sample_weight": sample_weight, **call}
    leaf = prediction.detach().requires_grad_()
    with torch.enable_grad():
        value = loss(leaf, target, **{name: each for name, each in given.items() if each is not None})
        cure = "Its inputs are: the fault lies in the loss."
        if isinstance(loss, Loss) and _call_of(loss) == "lines":
            cure = "A line has no alignment: too few steps for its characters and repeats, or an id that is none."
        _refuse(~value.isfinite(), value, "the loss must be finite", cure)
        slope = torch.autograd.grad(value.sum(), leaf, allow_unused=True)[0] if value.requires_grad else None
    if slope is None:
        raise ValueError("the loss must have a gradient; got a value that does not depend on the prediction.")
    _refuse(~slope.isfinite(), slope, "the gradient must be finite", "The loss is: the fault lies in its slope.")


def _call_of(loss: Loss) -> str:
    """How a loss is called; one that is in no catalogue as most are."""
    return next((spec.call for spec in catalogue().values() if spec.cls is type(loss)), "elements")


def _check_weights(sample_weight: Tensor | None) -> None:
    """Refuse weights that cannot be."""
    if sample_weight is not None:
        wrong = ~((sample_weight >= 0) & sample_weight.isfinite())
        _refuse(wrong, sample_weight, "`sample_weight` must be finite and >= 0", "Use mask= to leave elements out.")


def _check_named(targets: Mapping[str, Any]) -> None:
    """Refuse numbers that are not finite."""
    for name, target in targets.items():
        if isinstance(target, Tensor):
            _refuse(~target.isfinite(), target, f"`{name}` must be finite", "Look at what it is made of.")


def _check_target(
    loss: Loss,
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None,
    sample_weight: Tensor | None,
) -> None:
    """Refuse a target whose values the loss does not take."""
    activation = getattr(loss, "activation", None)
    if activation is None:
        fit_elements(prediction.shape, mask, sample_weight)
        wrong = ~target.isfinite()
        cure = "Pass mask=, True where the target is known."
        _refuse(wrong if mask is None else wrong & mask, target, "`target` must be finite", cure)
        return
    ignore_index = getattr(loss, "ignore_index", None)
    fit(prediction, target, activation, weight=None, ignore_index=ignore_index, mask=mask, sample_weight=sample_weight)
    keep = counted(target, ignore_index, mask if mask is None or target.dim() == mask.dim() else mask.unsqueeze(1))
    counts = torch.ones_like(target, dtype=torch.bool) if keep is None else keep.expand_as(target)
    if target.is_floating_point():
        wrong = ~((target >= 0) & (target <= 1)) & counts
        _refuse(wrong, target, "`target` must lie in [0, 1]", "Divide a mask of 0 and 255 by 255.")
    else:
        what, last = ("class ids", prediction.shape[1] - 1) if activation == "softmax" else ("labels", 1)
        wrong = ((target < 0) | (target > last)) & counts
        cure = "Set ignore_index= if it marks what does not count; else map the mask's values to class ids."
        _refuse(wrong, target, f"`target` must hold {what} 0 to {last}", cure)
    if target.is_floating_point() and activation == "softmax":
        total = target.sum(1)
        wrong = ((total - 1).abs() > _ROUNDING) & counts[:, 0]
        cure = "Divide by target.sum(1, keepdim=True)."
        _refuse(wrong, total, "probabilities in `target` must sum to 1 over the classes", cure)


def _refuse(wrong: Tensor, values: Tensor, rule: str, cure: str) -> None:
    """Raise if anything is wrong, naming the first place."""
    if not wrong.any():
        return
    place = wrong.nonzero()[0].tolist()
    where = f" at {place} ({int(wrong.sum())} of {wrong.numel()})" if place else ""
    raise ValueError(f"{rule}; got {values[tuple(place)].item():g}{where}. {cure}")
