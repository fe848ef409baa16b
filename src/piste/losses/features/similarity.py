"""How unlike two images are in each window: in luminance, and in contrast and structure together.

With d = x - y and s = x + y, the two factors of SSIM (Wang et al. 2004, eq. 13) are one less

    luminance   (mean x - mean y)^2 / (mean^2 x + mean^2 y + c1)
    structure   var d / (var x + var y + c2),   where var x + var y = (var s + var d) / 2

so that equal images differ by exactly 0, and small differences keep their digits.
"""

from collections.abc import Sequence
from math import exp

import torch
from torch import Tensor


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
    weights = [exp(-((i - (window - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(window)]
    return [weight / sum(weights) for weight in weights]


def dissimilarity(x: Tensor, y: Tensor, weights: Sequence[float], c1: float, c2: float) -> tuple[Tensor, Tensor]:
    """What x and y lack to luminances alike, and to contrasts and structures alike, in each window inside the image.

    Args:
        x: Images, [N, C, H, W].
        y: Others.
        weights: Of a row of the window, which sum to 1.
        c1: What steadies the luminance, > 0.
        c2: What steadies the structure, > 0.

    Returns:
        Two maps, [N, C, H - window + 1, W - window + 1], with values in [0, 2].
    """
    pair = torch.stack((x + y, x - y))
    centre = pair.mean((-2, -1), keepdim=True).detach()  # else values far from 0 would cost variances their digits
    pair = pair - centre
    mean, square = _averages(torch.stack((pair, pair.square())), weights)
    summed, difference = (square - mean.square()).relu()  # rounding may take a variance below 0
    mean_summed, mean_difference = (mean + centre).square()
    luminance = mean_difference / ((mean_summed + mean_difference) / 2 + c1)
    return luminance, difference / ((summed + difference) / 2 + c2)


def _averages(maps: Tensor, weights: Sequence[float]) -> Tensor:
    """Weighted mean of every window, by shifted copies: a convolution rounds on GPUs (TF32) and under autocast."""
    for axis in (-2, -1):
        length = maps.shape[axis] - len(weights) + 1
        total = weights[0] * maps.narrow(axis, 0, length)
        for i, weight in enumerate(weights[1:], 1):
            total = torch.add(total, maps.narrow(axis, i, length), alpha=weight)
        maps = total
    return maps
