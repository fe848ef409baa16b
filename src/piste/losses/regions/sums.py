"""Sums over all positions of what logits make, worked out for one block of positions after the other.

On a CPU a block fits the cache of a core, so that neither probabilities nor anything made of them goes to memory, and
only the logits are saved, and two numbers a position: the backward pass makes the probabilities again, which costs
less than reading them, and writes nothing but the gradient. Where it is differentiated itself it takes the plain
formula, as the compiler and the transforms of torch.func do.
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_ROW = 2**10
"""Numbers that are added one by one: in float32 such a sum loses digits as it grows, and at 2**24 stops growing."""

_CACHED = 2**17
"""Logits of which a few numbers each fit the cache of a core."""

_AT_ONCE = 2**25
"""Logits of a block elsewhere."""


def sum_by(index: Tensor, values: Tensor, size: int) -> Tensor:
    """Sums over the last axis of the values at each index below a size: [..., P] to [..., size]."""
    if index.shape[-1] > _ROW:
        if index.shape[-1] % _ROW:
            index, values = (F.pad(each, (0, -each.shape[-1] % _ROW)) for each in (index, values))
        return sum_by(index.view(*index.shape[:-1], -1, _ROW), values.view(*values.shape[:-1], -1, _ROW), size).sum(-2)
    return values.new_zeros(*values.shape[:-1], size).scatter_add(-1, index, values)


Place = tuple[slice, slice, slice]

Space = list[Tensor]
"""Three tensors of a block's shape to work in, so that no memory has to be asked for again and again."""


class Summand(NamedTuple):
    """What is summed over positions, given logits [N, C, P], and a target and a count with the same axes, or of size 1.

    Args:
        plain: (logits, target, count) -> sums [K, N, C], by operations that autograd can differentiate.
        sums: (logits, target, count, notes, space): the same, and notes for later, [notes, N, 1, P].
        slope: (logits, target, count, notes, grad [K, N, C], space, out): write the gradient by the logits to `out`.
        notes: How many numbers a position are noted.
    """

    plain: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    sums: Callable[[Tensor, Tensor, Tensor | None, Tensor, Space], Tensor]
    slope: Callable[[Tensor, Tensor, Tensor | None, Tensor, Tensor, Space, Tensor], object]
    notes: int


def summed(summand: Summand, logits: Tensor, target: Tensor, count: Tensor | None) -> Tensor:
    """Sums [K, N, C], with a gradient for the logits alone.

    Args:
        summand: What is summed.
        logits: [N, C, *S].
        target: Of the same axes, each of its size or 1, as `count`.
        count: What each element counts; None for 1.
    """
    given = (_flat(logits, logits), _flat(target, logits), None if count is None else _flat(count, logits))
    plainly = torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
    if plainly or target.requires_grad or not logits.numel():
        return summand.plain(*given)
    sums: Tensor = _Summed.apply(summand, *given)[0]
    return sums


def _flat(x: Tensor, logits: Tensor) -> Tensor:
    """[N, C, *S] as [N, C, P]."""
    images, _, *space = logits.shape
    return x.expand(images, -1, *space).reshape(images, x.shape[1], prod(space))


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(summand: Summand, logits: Tensor, target: Tensor, count: Tensor | None) -> tuple[Tensor, Tensor]:
        images: dict[int, list[Tensor]] = {}
        notes = logits.new_empty(summand.notes, logits.shape[0], 1, logits.shape[2])
        for place, space in _blocks(logits):
            counts = None if count is None else count[place]
            sums = summand.sums(logits[place], target[place], counts, notes[:, *place], space)
            images.setdefault(place[0].start, []).append(sums)
        return torch.cat([torch.stack(parts).sum(0) for parts in images.values()], 1), notes

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.summand = inputs[0]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs[1:], output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        logits, target, count, notes = ctx.saved_tensors
        if torch.is_grad_enabled():  # as when differentiated twice
            sums = ctx.summand.plain(logits, target, count)
            return None, *torch.autograd.grad(sums, logits, grad, create_graph=True), None, None
        slope = torch.empty_like(logits)
        for place, space in _blocks(logits):
            counts = None if count is None else count[place]
            noted = notes[:, *place]
            ctx.summand.slope(logits[place], target[place], counts, noted, grad[:, place[0]], space, slope[place])
        return None, slope, None, None


def _blocks(logits: Tensor) -> Iterator[tuple[Place, Space]]:
    """Parts of one image, or several images if they are small, each with some space to work in."""
    images, classes, positions = logits.shape
    most = _CACHED * torch.get_num_threads() if logits.device.type == "cpu" else _AT_ONCE
    size = max(1, most // classes)
    size -= size % _ROW if size > _ROW else 0
    many = max(1, size // positions)
    space = [torch.empty_like(logits[:many, :, :size]) for _ in range(3)]
    for first, start in product(range(0, images, many), range(0, positions, size)):
        place = slice(first, min(first + many, images)), slice(None), slice(start, min(start + size, positions))
        n, _, p = logits[place].shape
        yield place, [each[:n, :, :p] for each in space]
