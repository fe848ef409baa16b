"""How unlike two images are in each window: in luminance, and in contrast and structure together.

With d = x - y and s = x + y, the two factors of SSIM (Wang et al. 2004, eq. 13) are one less

    luminance   (mean x - mean y)^2 / (mean^2 x + mean^2 y + c1)
    structure   var d / (var x + var y + c2),   where var x + var y = (var s + var d) / 2

so that equal images differ by exactly 0, and small differences keep their digits.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from piste.losses.features.tiles import over_tiles

SIDE = 64
"""Windows that begin in a tile, in a row and a column: a matrix product with them stays in the fastest cache."""


def window_side(value: int) -> int:
    """The side of a window in pixels.

    >>> window_side(1)
    Traceback (most recent call last):
    ValueError: `window` is a side in pixels and must be an integer >= 2; got 1.
    """
    if type(value) is not int or value < 2:
        raise ValueError(f"`window` is a side in pixels and must be an integer >= 2; got {value!r}.")
    return value


def gaussian(window: int, sigma: float) -> list[float]:
    """Weights of a row of a window, which sum to 1; a pixel's weight is the product of its row's and column's.

    >>> [round(weight, 3) for weight in gaussian(3, 1.0)]
    [0.274, 0.452, 0.274]
    """
    weights = [math.exp(-((i - (window - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(window)]
    return [weight / sum(weights) for weight in weights]


def dissimilarity(
    x: Tensor, y: Tensor, weights: Sequence[float], c1: float, c2: float, *, luminance: bool = True
) -> Tensor:
    """What x and y lack to being alike, as a mean over the windows inside the image.

    Args:
        x: Images, [N, C, H, W].
        y: Others.
        weights: Of a row of the window, which sum to 1.
        c1: What steadies the luminance, > 0.
        c2: What steadies the structure, > 0.
        luminance: Whether luminances count, or contrasts and structures alone.

    Returns:
        One number a plane, [N, C], from 0 to 2.
    """
    margin = len(weights) - 1
    rows, columns = x.shape[2] - margin, x.shape[3] - margin
    band = _band(weights, like=x)

    total = over_tiles(
        lambda x, y: lacking(x, y, lambda planes: means_by_shifts(planes, weights), c1, c2, luminance),
        lambda x, y: lacking(x, y, lambda planes: _means_by_products(planes, band), c1, c2, luminance),
        x,
        y,
        begins=(rows, columns),
        side=SIDE,
        margin=margin,
    )
    return total / (rows * columns)


def lacking(x: Tensor, y: Tensor, average: Callable[[Tensor], Tensor], c1: float, c2: float, luminance: bool) -> Tensor:
    """What windows lack, summed over each plane.

    Args:
        x: Planes, [P, H, W].
        y: Others.
        average: Planes -> the weighted mean of each window that lies inside.
        c1: What steadies the luminance.
        c2: What steadies the structure.
        luminance: Whether luminances count.
    """
    summed, difference = x + y, x - y
    middle_summed, middle_difference = (each.detach().mean((1, 2), keepdim=True) for each in (summed, difference))
    summed, difference = summed - middle_summed, difference - middle_difference  # far from 0 variances lose digits
    mean_summed, mean_difference = average(summed), average(difference)
    # rounding may take a variance below 0
    var_summed = (average(summed.square()) - mean_summed.square()).relu()
    var_difference = (average(difference.square()) - mean_difference.square()).relu()
    unlike = var_difference / ((var_summed + var_difference) + 2 * c2)  # half of it
    if luminance:
        light, unlight = (mean_summed + middle_summed).square(), (mean_difference + middle_difference).square()
        dark = unlight / (light + unlight + 2 * c1)
        unlike = torch.addcmul(dark + unlike, dark, unlike, value=-2)  # 1 - (1 - l) (1 - s) = l + s - l s
    return 2 * unlike.sum((1, 2))


def means_by_shifts(planes: Tensor, weights: Sequence[float]) -> Tensor:
    """Weighted mean of every window, by shifted copies: a convolution rounds on GPUs (TF32) and under autocast."""
    for axis in (-2, -1):
        length = planes.shape[axis] - len(weights) + 1
        total = weights[0] * planes.narrow(axis, 0, length)
        for i, weight in enumerate(weights[1:], 1):
            total = torch.add(total, planes.narrow(axis, i, length), alpha=weight)
        planes = total
    return planes


def _means_by_products(planes: Tensor, band: Tensor) -> Tensor:
    """The same for a tile, as two products with a matrix, which takes half the time: a product hardly waits."""
    margin = band.shape[0] - band.shape[1]
    rows, columns = (band[:length, : length - margin] for length in planes.shape[1:])
    return rows.mT @ (planes @ columns)


def _band(weights: Sequence[float], like: Tensor) -> Tensor:
    """The matrix of which each column holds the weights, one row further down than the column before."""
    band = like.new_zeros(SIDE + len(weights) - 1, SIDE)
    for i, weight in enumerate(weights):
        band.diagonal(-i).fill_(weight)
    return band
