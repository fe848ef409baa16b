"""Signed Euclidean distance maps, exact, on the device of the labels and in any number of dimensions.

The squared distance is separable: along one axis it is found by looking back and ahead, and along each further axis
it is the lower envelope of parabolas, min_j f(j) + (i - j)^2 (Felzenszwalb and Huttenlocher 2012). The j that is best
for i never falls as i grows, so that once every other i is known, those between have few candidates: all of them
together as many as there are pixels. Halving the gaps log2(n) times is a few operations each on the whole tensor.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from piste.losses.arguments import number

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
    steps = _steps(spacing, space)
    known = torch.ones_like(inside[:1, :1]) if mask is None else _known(mask, labels, classes is not None)
    to_inside, to_outside = nearest(torch.cat((inside & known, ~inside & known)), steps, dtype).chunk(2)
    return torch.where(inside, -to_outside, to_inside).where(known, 0)


def nearest(sites: Tensor, steps: Sequence[float], dtype: torch.dtype) -> Tensor:
    """Distance [N, C, *S] of each pixel to the nearest site; 0 everywhere where there is none.

    Args:
        sites: Bool, [N, C, *S].
        steps: Size of a pixel along each axis of *S.
        dtype: Floating type of the result.
    """
    space = sites.shape[2:]
    far = sum((step * size) ** 2 for step, size in zip(steps, space, strict=True))
    squares = _along_line(sites, steps[-1], far)
    for axis in range(len(space) - 1):
        lines = squares.movedim(axis + 2, -1)
        parts = lines.reshape(-1, space[axis]).chunk(_parts(lines))
        least = torch.cat([_envelope(part, steps[axis], far) for part in parts])
        squares = least.view(lines.shape).movedim(-1, axis + 2)
    return squares.where(squares < far, 0).sqrt().to(dtype)


def _parts(lines: Tensor) -> int:
    """One, or on a CPU as many that each fits the caches: else each operation waits for the memory."""
    if lines.device.type != "cpu" or torch.compiler.is_compiling():
        return 1
    return lines.numel() // (_CACHED * torch.get_num_threads()) + 1


def _along_line(sites: Tensor, step: float, far: float) -> Tensor:
    """Squared distance to the nearest site in the same line, the last axis; `far` where it has none."""
    size = sites.shape[-1]
    place = torch.arange(size, device=sites.device)
    last = place.where(sites, -size).cummax(-1).values
    following = place.where(sites, 2 * size).flip(-1).cummin(-1).values.flip(-1)
    gap = (place - last).minimum(following - place)
    return (gap.double() * step).square().where(gap < size, far)


def _envelope(heights: Tensor, step: float, far: float) -> Tensor:
    """min_j heights[j] + (step (i - j))^2 for each i along the last axis, for heights in [0, far]."""
    size = heights.shape[-1]
    place = torch.arange(size, device=heights.device)
    gap = 1 << (size - 1).bit_length()
    # best[k] is the j that is best for i = k gap
    best = (heights + (step * place.double()).square()).argmin(-1, keepdim=True)
    while gap > 1:
        gap //= 2
        count = len(range(gap, size, 2 * gap))
        if count:
            best = _interleave(best, _between(heights, best, gap, count, step, far))
    return heights.gather(-1, best) + (step * (place - best).double()).square()


def _between(heights: Tensor, best: Tensor, gap: int, count: int, step: float, far: float) -> Tensor:
    """The best j for i = gap, 3 gap, ..., `count` of them, given those for 0, 2 gap, ...

    The candidates of one i after the other fill a line: those of the row r of `count` lie at j + r, from the best of
    the i before to the best of the i after.
    """
    size = heights.shape[-1]
    order = torch.arange(count, device=heights.device)
    last = torch.cat((best[..., 1:], best.new_full((*best.shape[:-1], 1), size - 1)), -1)[..., :count] + order
    slots = torch.arange(size + count - 1, device=heights.device)
    begins = torch.zeros(*best.shape[:-1], len(slots), dtype=torch.long, device=heights.device)
    row = begins.scatter(-1, last[..., :-1] + 1, 1).cumsum(-1)
    prices = heights.gather(-1, slots - row)
    row = row.double()
    prices = prices + (row * (step * (2 * gap + 1)) - (slots - gap).double() * step).square()  # (i - j)^2
    # falling by more than any price from row to row, the least so far is that of the row
    return (prices - row * (2 * far + 1)).cummin(-1).indices.gather(-1, last) - order


def _interleave(even: Tensor, odd: Tensor) -> Tensor:
    """Put one between the other, along the last axis; the first may be longer by one."""
    both = torch.stack((even[..., : odd.shape[-1]], odd), -1).flatten(-2)
    return torch.cat((both, even[..., odd.shape[-1] :]), -1)


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


def _steps(spacing: float | Sequence[float], space: int) -> list[float]:
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
