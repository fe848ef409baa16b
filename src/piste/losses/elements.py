"""The elements of a batch: whether logits and target fit, which elements count, and how much.

With activation="softmax" an element is a position, of one class: [N, *S]. With "sigmoid" it is one label at one
position: [N, C, *S]. `mask` and `sample_weight` have an element's axes, each of its size or of size 1.
"""

from typing import Literal

import torch
from torch import Tensor

Activation = Literal["softmax", "sigmoid"]


def widen(x: Tensor) -> Tensor:
    """The same numbers in float32 if they came in half precision, in which sums overflow."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def along_classes(values: Tensor, like: Tensor) -> Tensor:
    """A number per class, shaped to multiply [N, C, *S]."""
    return values.to(like.dtype).view(-1, *[1] * (like.dim() - 2))


def one_per_class(name: str, values: Tensor, logits: Tensor) -> None:
    """Refuse numbers per class that are not as many as the classes.

    Raises:
        ValueError: Says how many came.
    """
    if values.numel() != logits.shape[1]:
        raise ValueError(
            f"`{name}` must have one number per class; got {values.numel()} for logits of {logits.shape[1]} classes."
        )


def fit(
    logits: Tensor,
    target: Tensor,
    activation: Activation,
    *,
    weight: Tensor | None,
    ignore_index: int | None,
    mask: Tensor | None,
    sample_weight: Tensor | None,
) -> None:
    """Refuse what does not fit together, by shape and dtype alone.

    Raises:
        ValueError: Says which two do not fit, and what would.
    """
    shapes = f"got {list(logits.shape)} and {list(target.shape)}"
    if logits.dim() < 2 or not logits.is_floating_point():
        raise ValueError(f"`logits` must be floating, [N, C, *S]; got {logits.dtype} {list(logits.shape)}.")
    if activation == "sigmoid":
        if target.shape != logits.shape:
            raise ValueError(
                f'`logits` and `target` must both be [N, C, *S] with activation="sigmoid"; {shapes}. '
                'Class ids [N, *S] go with activation="softmax"; one foreground class is C = 1: target.unsqueeze(1).'
            )
    else:
        _fit_softmax(logits, target, shapes)
    if weight is not None:
        one_per_class("weight", weight, logits)
    if ignore_index is not None and target.is_floating_point():
        raise ValueError(
            f"`ignore_index` goes with integer targets; got a target of {target.dtype}. "
            "Pass mask=, True where an element counts, for targets that are not."
        )
    element = target.shape if activation == "sigmoid" else logits.shape[:1] + logits.shape[2:]
    fit_elements(element, mask, sample_weight)


def _fit_softmax(logits: Tensor, target: Tensor, shapes: str) -> None:
    if logits.shape[1] == 1:
        raise ValueError(
            '`logits` must have two classes or more with activation="softmax", which makes 1 of a single score; '
            f'got {list(logits.shape)}. One foreground class goes with activation="sigmoid".'
        )
    index = logits.shape[:1] + logits.shape[2:]
    if target.dtype == torch.bool or target.shape != (logits.shape if target.is_floating_point() else index):
        cure = "Class ids are integers [N, *S], probabilities floating [N, C, *S]."
        if target.shape == logits.shape:
            cure = 'A target of the same shape goes with activation="sigmoid", or holds probabilities: target.float().'
        elif target.shape == index:
            cure = f"It came as {target.dtype}; class ids are integers: target.long()."
        raise ValueError(
            f'`logits` must be [N, C, *S] and `target` [N, *S] with activation="softmax"; {shapes}. {cure}'
        )


def fit_elements(element: torch.Size, mask: Tensor | None, sample_weight: Tensor | None) -> None:
    """Refuse a mask or sample weight that does not have the elements' axes.

    Raises:
        ValueError: Says what came and what the elements are.
    """
    for name, given in (("mask", mask), ("sample_weight", sample_weight)):
        if given is None:
            continue
        if given.dim() != len(element) or any(a not in (1, b) for a, b in zip(given.shape, element, strict=True)):
            raise ValueError(
                f"`{name}` must have the elements' axes, {list(element)}, each of that size or 1; "
                f"got {list(given.shape)}. Insert axes of size 1 where it has none."
            )
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"`mask` must be bool, True where an element counts; got {mask.dtype}. Use mask.bool().")


def counted(target: Tensor, ignore_index: int | None, mask: Tensor | None) -> Tensor | None:
    """Which elements count, as a bool tensor of the elements' axes; None if all of them do."""
    if ignore_index is None:
        return mask
    known = target != ignore_index
    return known if mask is None else known & mask


def known_target(target: Tensor, keep: Tensor | None, activation: Activation) -> Tensor:
    """The target, 0 where an element does not count, whose target may be anything."""
    if keep is None:
        return target
    return target.where(keep.unsqueeze(1) if activation == "softmax" and target.is_floating_point() else keep, 0)


def known_labels(target: Tensor, keep: Tensor | None) -> Tensor:
    """Independent labels: bool if they are all or nothing, else the target, 0 where an element does not count."""
    if target.is_floating_point():
        return known_target(target, keep, "sigmoid")
    return target if target.dtype == torch.bool else target == 1


def element_weight(weight: Tensor | None, logits: Tensor, target: Tensor, activation: Activation) -> Tensor | None:
    """What each element counts by its class, in a shape that broadcasts to the elements; None without class weights."""
    if weight is None:
        return None
    weight = along_classes(weight, logits).unsqueeze(0)
    if activation == "sigmoid":
        return weight
    return (target * weight).sum(1) if target.is_floating_point() else weight.flatten()[target.long()]


def as_numbers(x: Tensor, like: Tensor) -> Tensor:
    """The tensor in the dtype of another; bool by way of its bytes, six times as fast where nothing is compiled."""
    bytewise = x.dtype == torch.bool and not torch.compiler.is_compiling()
    return (x.view(torch.uint8) if bytewise else x).to(like.dtype)


def product(*factors: Tensor | None) -> Tensor | None:
    """The product of the tensors among the factors; None for none."""
    result: Tensor | None = None
    for factor in factors:
        if result is None:
            result = factor
        elif factor is not None:
            result = result * (as_numbers(factor, result) if factor.dtype == torch.bool else factor)
    return result
