"""Signed Euclidean distance maps, exact, on the device of the labels and in any number of dimensions.

The squared distance is separable: along one axis it is the gap to the other side, and along each further axis the
lower envelope of parabolas, min_j f(j) + (i - j)^2 (Felzenszwalb and Huttenlocher 2012); see `envelope.py`.
"""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.boundaries.envelope import envelope

_CACHED = 2**15
"""Pixels of which a dozen numbers each fit the cache of a core."""


def signed_distance(
    labels: Tensor,
    *,
    classes: int | None = None,
    spacing: float | Sequence[float] = 1.0,
    mask: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Distance of each pixel to the other side of each class's outline: below 0 inside, above 0 outside.

    Outside it is the distance from the pixel's centre to the centre of the nearest pixel inside, and inside it is
    minus that to the nearest pixel outside, in units of `spacing`. So both sides are treated alike, and the map of
    what is not a class is minus the map of the class; the outline lies where it changes its sign, between -1 and 1.
    A class that is nowhere or everywhere has no outline, and its map is 0.

    Args:
        labels: Class ids [N, *S] with `classes`; without, bool, True inside, [N, C, *S]. An id that is no class, such
            as 255, is outside all of them.
        classes: How many classes there are.
        spacing: Size of a pixel along every axis, or one number for each axis of *S, > 0.
        mask: Bool, True where the label is known, of the shape of `labels` or broadcasting to it; distances are
            those to what is known, and 0 where it is not. None for everywhere.
        dtype: Floating type of the result.

    Returns:
        [N, C, *S], without a gradient.

    Raises:
        ValueError: The labels are not of the kind or shape that was said, or a spacing is not > 0.

    Example:
        >>> signed_distance(torch.tensor([[0, 0, 1, 1, 1]]), classes=2)[0, 1]
        tensor([ 2.,  1., -1., -2., -3.])
    """
    inside = _inside(labels, classes)
    space = inside.dim() - 2
    if space < 1:
        raise ValueError(f"`labels` must have one axis of pixels or more; got {list(labels.shape)}.")
    steps = pixel_steps(spacing, space)
    known = None if mask is None else _known(mask, labels, classes is not None)
    exact = torch.float64 if dtype == torch.float64 else torch.float32
    away = squared_distance(inside, known, steps, exact).sqrt_()
    return away.mul_(1 - 2 * inside.to(exact)).to(dtype)


def squared_distance(inside: Tensor, known: Tensor | None, steps: Sequence[float], dtype: torch.dtype) -> Tensor:
    """Square of each pixel's distance to the nearest one on the other side; 0 if there is none or it is unknown.

    Args:
        inside: Bool, [N, C, *S].
        known: Which pixels are on a side, bool, broadcasting to the same shape; None for all of them.
        steps: Size of a pixel along each axis of *S.
        dtype: float32 or float64.
    """
    if not inside.numel():
        return inside.to(dtype)
    if known is None:
        squares = _to_nearest(inside, steps, dtype, both=True)
    else:
        sides = torch.cat((inside & known, ~inside & known))
        to_inside, to_outside = _to_nearest(sides, steps, dtype, both=False).chunk(2)
        squares = (to_inside + to_outside) * known  # a known pixel is at 0 from its own side
    return squares.nan_to_num(nan=0.0, posinf=0.0).contiguous()


def _to_nearest(sites: Tensor, steps: Sequence[float], dtype: torch.dtype, *, both: bool) -> Tensor:
    """Squared distance [N, C, *S] to the nearest site, or with `both` to the nearest pixel that is on the other side.

    With `both` one envelope serves both sides. Its heights are distances from j to the side that j is not on; where
    that is not the side that i is not on, j itself is on i's other side, 0 away from it, and the gap from i to there
    is never more than what the envelope makes of j: so the less of the two is right.
    """
    squares = None
    for axis, step in enumerate(steps, start=2):
        lines = sites.movedim(axis, 0)
        parts = _parts(lines)
        if squares is None:
            done = [_gap(part, step, dtype, both=both) for part in parts]
        else:
            done = [envelope(part, step) for part in _parts(squares.movedim(axis, 0))]
            if both:
                done = [part.minimum(_gap(of, step, dtype, both=True)) for part, of in zip(done, parts, strict=True)]
        squares = torch.cat(done, 1).view(lines.shape).movedim(0, axis)
    assert squares is not None
    return squares


def _parts(lines: Tensor) -> tuple[Tensor, ...]:
    """Lines along the first axis, side by side, on a CPU in parts that fit its caches."""
    flat = lines.flatten(1)
    if lines.device.type != "cpu" or torch.compiler.is_compiling():
        return (flat.contiguous(),)
    number = flat.numel() // (_CACHED * torch.get_num_threads()) + 1
    return tuple(part.contiguous() for part in flat.chunk(number, 1))


def _gap(sites: Tensor, step: float, dtype: torch.dtype, *, both: bool) -> Tensor:
    """Square of the distance along the first axis to the nearest site, or with `both` to the nearest other side."""
    if both:
        beside = (sites[1:] != sites[:-1]).to(dtype).reciprocal()  # 1 / 1 = 1, and 1 / 0 is infinite
        gap = F.pad(beside, (0, 0, 0, 1), value=inf).minimum(F.pad(beside, (0, 0, 1, 0), value=inf))
    else:
        gap = sites.to(dtype).reciprocal() - 1
    reach = 1
    while reach < len(gap):  # now all that is nearer than `reach` is known
        further = gap + reach
        gap[reach:].clamp_(max=further[:-reach])
        gap[:-reach].clamp_(max=further[reach:])
        reach *= 2
    return gap.mul_(step).square_()


def _inside(labels: Tensor, classes: int | None) -> Tensor:
    """Whether each pixel is of each class, [N, C, *S]."""
    if classes is None:
        if labels.dtype != torch.bool:
            raise ValueError(
                f"`labels` must be bool, [N, C, *S], or class ids [N, *S] with classes=; got {labels.dtype}."
            )
        return labels
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise ValueError(f"`classes` must be an integer >= 1 or None; got {classes!r}.")
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"`labels` must be class ids, integers [N, *S], with classes=; got {labels.dtype}.")
    return labels.unsqueeze(1) == torch.arange(classes, device=labels.device).view(-1, *[1] * (labels.dim() - 1))


def pixel_steps(spacing: float | Sequence[float], space: int) -> list[float]:
    """The size of a pixel along each axis."""
    steps = list(spacing) if isinstance(spacing, Sequence) else [spacing] * space
    if len(steps) != space:
        raise ValueError(f"`spacing` must have one number for each of {space} axes of pixels; got {spacing!r}.")
    return check_spacing(steps)


def check_spacing(steps: Sequence[float]) -> list[float]:
    """The sizes of a pixel, each a number > 0."""
    return [number("spacing", step, "the size of a pixel", above=0.0) for step in steps]


def _known(mask: Tensor, labels: Tensor, ids: bool) -> Tensor:
    """The mask, beside masks of classes."""
    shape = labels.shape
    fits = mask.dim() == len(shape) and all(a in (1, b) for a, b in zip(mask.shape, shape, strict=True))
    if mask.dtype != torch.bool or not fits:
        raise ValueError(f"`mask` must be bool and as `labels`, {list(shape)}; got {mask.dtype} {list(mask.shape)}.")
    return mask.unsqueeze(1) if ids else mask
