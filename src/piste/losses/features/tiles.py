"""Costs of windows, summed over each plane of an image, tile after tile, so that nothing in between goes to memory.

On a CPU a chain of operations on whole images waits for the memory at each of them, and under autograd it keeps a map
for each. Here an image is cut into tiles that fit the cache of a core. Each gives its share of the cost and of the
slope, and only these two are kept. A window that begins in a tile may reach beyond it: tiles overlap by a margin, where
slopes are added.

The compiler makes such kernels by itself, and wants the plain formula. So do gradients of anything but the first image,
second derivatives, and the transforms of torch.func.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

_CACHED = 2**16
"""Numbers of an image of which a few maps each fit the cache of a core."""

Cost = Callable[..., Tensor]
"""Planes [P, H, W], of each image, -> the sum of costs of each plane, [P]; by what autograd can differentiate."""

Priced = Callable[..., tuple[Tensor, Tensor]]
"""Planes of each image -> the costs, and their slope at the first image, [P, H, W]."""

Place = tuple[slice, slice, slice]


def over_tiles(
    plain: Cost,
    tiled: Cost,
    x: Tensor,
    *others: Tensor,
    begins: tuple[int, int],
    side: int,
    margin: int,
    priced: Priced | None = None,
) -> Tensor:
    """Sum of the costs of each plane, with a gradient for `x`.

    Args:
        plain: The formula, for whole planes.
        tiled: The same for a tile: windows begin in its first `side` rows and columns.
        x: Images, [N, C, H, W].
        others: Images of that shape.
        begins: In how many rows and columns of an image a window begins.
        side: Rows and columns of a tile.
        margin: How many rows and columns a window has beyond its first, which a tile has too, but for the image's end.
        priced: `tiled` together with its slope, faster than by autograd; None for autograd.

    Returns:
        One sum a plane, [N, C].
    """
    planes, *beside = (images.flatten(0, 1) for images in (x, *others))
    plainly = torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
    if plainly or x.device.type != "cpu" or not x.numel() or any(each.requires_grad for each in others):
        cost = plain(planes, *beside)
    else:
        places = list(_places(planes, begins, side, margin))
        planes = planes if torch.is_grad_enabled() else planes.detach()  # a Function cannot see that by itself
        cost = _OverTiles.apply(planes, plain, tiled, priced or _by_autograd(tiled), places, *beside)
    return cost.view(x.shape[:2])


def _places(planes: Tensor, begins: tuple[int, int], side: int, margin: int) -> Iterator[Place]:
    """Where tiles lie in planes [P, H, W]: as many planes as fit the cache, up to side + margin rows and columns."""
    reach = side + margin
    step = max(1, _CACHED * torch.get_num_threads() // (min(planes.shape[1], reach) * min(planes.shape[2], reach)))
    for first in range(0, len(planes), step):
        for top in range(0, begins[0], side):
            for left in range(0, begins[1], side):
                yield slice(first, first + step), slice(top, top + reach), slice(left, left + reach)


def _by_autograd(tiled: Cost) -> Priced:
    """Cost and slope of a formula."""

    def priced(x: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            cost = tiled(x, *others)
            (slope,) = torch.autograd.grad(cost, x, torch.ones_like(cost))
        return cost.detach(), slope

    return priced


class _OverTiles(torch.autograd.Function):
    """Sums of costs, with the slope kept for the first backward pass."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, plain: Cost, tiled: Cost, priced: Priced, places: list[Place], *others: Tensor
    ) -> Tensor:
        ctx.plain = plain
        ctx.save_for_backward(x, *others)
        total = x.new_zeros(len(x))
        slope = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        with torch.autocast("cpu", enabled=False):
            for place in places:
                tile, *beside = (each[place] for each in (x, *others))
                if slope is None:
                    cost = tiled(tile, *beside)
                else:
                    cost, part = priced(tile, *beside)
                    slope[place] += part
                total[place[0]] += cost
        ctx.slope = slope
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, *others = ctx.saved_tensors
        slope, ctx.slope = ctx.slope, None
        again = torch.is_grad_enabled()
        if slope is None or again:
            with torch.enable_grad():
                x = x if again else x.detach().requires_grad_()
                (gradient,) = torch.autograd.grad(ctx.plain(x, *others), x, grad, create_graph=again)
        else:
            gradient = slope.mul_(grad.view(-1, 1, 1))
        return gradient, None, None, None, None, *(None for _ in others)
