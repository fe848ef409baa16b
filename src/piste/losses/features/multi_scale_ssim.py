"""Multi-scale SSIM loss: 1 - the product over scales of (mean structure)^exponent, the coarsest with luminance too.

Structure and luminance are the factors of `SSIM`; from one scale to the next an image is averaged over 2 x 2 pixels.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.features.base import ImageKeywords, ImageLoss
from piste.losses.features.similarity import dissimilarity, gaussian, window_side
from piste.losses.features.ssim import Channel, windows
from piste.losses.spec import Case, loss


def as_printed(
    prediction: list[Channel],
    target: list[Channel],
    exponents: Sequence[float],
    window: int,
    sigma: float,
    k1: float,
    k2: float,
    data_range: float,
) -> float:
    """One image: the mean over its channels."""
    total = 0.0
    for x, y in zip(prediction, target, strict=True):
        score = 1.0
        for scale, exponent in enumerate(exponents, 1):
            found = list(windows(x, y, window, sigma, (k1 * data_range) ** 2, (k2 * data_range) ** 2))
            alike = [structure if scale < len(exponents) else light * structure for light, structure in found]
            score *= max(0.0, sum(alike) / len(alike)) ** exponent
            x, y = _halved(x), _halved(y)
        total += 1 - score
    return total / len(prediction)


def _halved(x: Channel) -> Channel:
    """The mean of each 2 x 2 pixels, and of what is left of them at an odd border."""
    means = []
    for i in range(0, len(x), 2):
        rows = x[i : i + 2]
        squares = [[each for row in rows for each in row[j : j + 2]] for j in range(0, len(x[0]), 2)]
        means.append([sum(square) / len(square) for square in squares])
    return means


@loss(
    tasks=("restoration", "generation"),
    source="Wang, Simoncelli and Bovik 2003, Asilomar Conference on Signals, Systems and Computers, eq. 7",
    value_range=(0.0, 1.0),
    tendency="neither",
    reference=as_printed,
    variants=(
        {"exponents": (0.2, 0.5, 0.3)},
        {"window": 4, "sigma": 0.8, "k1": 0.3, "k2": 0.1, "data_range": 2.0},
    ),
    call="images",
    stand_in={"window": 3, "exponents": (0.4, 0.6)},
    cases=(
        Case(
            {"k1": 0.5, "exponents": (0.25, 0.5)},
            [[[[1.0] * 5] * 5]],
            [[[[0.5] * 5] * 5]],
            1 - (5 / 6) ** 0.5,
            "flat images of 1 and 1/2 at both scales: structure 1, luminance (2 * 1/2 + 1/4) / (1 + 1/4 + 1/4) = 5/6",
        ),
    ),
)
class MultiScaleSSIM(ImageLoss):
    """Structural similarity at several scales: what is alike from near and from afar.

    Called as `loss(prediction, target, *, sample_weight=None)`, with the shapes of `ImageLoss`. Images must be large
    enough for a window at the coarsest scale: 161 x 161 by default. Each channel is scored by itself, as in the
    paper, whose images are grey, and an image costs the mean over its channels. At an odd border the last pixels are
    averaged with what there is, as in the authors' code.

    A mean structure below 0, of images that are rather each other's negative, has no fractional power: it counts as 0
    here, so that the image costs 1 and has no slope. Start with another loss, or add one, where that may happen.

    Args:
        exponents: One number > 0 for each scale, the finest first: what the scale weighs. Their number is that of
            scales.
        window: Side of the window, in pixels, >= 2.
        sigma: Standard deviation of its Gaussian, in pixels, > 0.
        k1: Steadies dark windows, > 0; raising it forgives errors of brightness there.
        k2: Steadies flat windows, > 0; raising it forgives noise there.
        data_range: Distance between black and white, > 0: 1 for values from 0 to 1, 255 for bytes.
        **common: reduction of `ImageLoss`.

    Raises:
        ValueError: An argument breaks its rule, or an image is too small for the scales.

    Source: Wang, Simoncelli and Bovik 2003, eq. 7, with the exponents found there.

    Example:
        >>> import torch
        >>> image = torch.linspace(0, 1, 161 * 161).view(1, 1, 161, 161)
        >>> MultiScaleSSIM()(image, image)
        tensor(0.)
    """

    def __init__(
        self,
        *,
        exponents: Sequence[float] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        window: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        data_range: float = 1.0,
        **common: Unpack[ImageKeywords],
    ) -> None:
        super().__init__(**common)
        self.exponents = _positive(exponents)
        self.window = window_side(window)
        self.sigma = number("sigma", sigma, "a width in pixels", above=0.0)
        self.k1 = number("k1", k1, "a share of the range", above=0.0)
        self.k2 = number("k2", k2, "a share of the range", above=0.0)
        self.data_range = number("data_range", data_range, "the distance from black to white", above=0.0)

    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image by the product over its scales, in logarithms: they lose no digits where images agree."""
        scales = len(self.exponents)
        least = (self.window - 1) * 2 ** (scales - 1) + 1
        if min(prediction.shape[2:]) < least:
            raise ValueError(
                f"`prediction` must be at least {least} x {least}, for a window of {self.window} at the last of "
                f"{scales} scales; got {list(prediction.shape)}. Give fewer exponents or a smaller window."
            )
        weights = gaussian(self.window, self.sigma)
        constants = (self.k1 * self.data_range) ** 2, (self.k2 * self.data_range) ** 2
        return over_scales(prediction, target, self.exponents, weights, *constants).mean(1)


def over_scales(
    x: Tensor, y: Tensor, exponents: Sequence[float], weights: Sequence[float], c1: float, c2: float
) -> Tensor:
    """What each plane lacks to 1, of the product over its scales, [N, C]."""
    lacking = []
    for scale in range(len(exponents)):
        last = scale == len(exponents) - 1
        lacking.append(dissimilarity(x, y, weights, c1, c2, luminance=last))
        x, y = _half(x), _half(y)
    lost = torch.stack([lack >= 1 for lack in lacking]).any(0)
    log_score = torch.zeros_like(lacking[0])
    for exponent, lack in zip(exponents, lacking, strict=True):
        log_score = log_score + exponent * torch.log1p(-lack.masked_fill(lost, 0.0))
    return torch.where(lost, 1.0, -torch.expm1(log_score))


def _half(images: Tensor) -> Tensor:
    """Average 2 x 2 pixels, fewer at an odd border."""
    return F.avg_pool2d(images, 2, ceil_mode=True, count_include_pad=False)


def _positive(exponents: Sequence[float]) -> Sequence[float]:
    """Refuse exponents that are no list of numbers > 0."""
    fits = isinstance(exponents, Sequence) and not isinstance(exponents, str) and len(exponents) > 0
    if not fits or not all(isinstance(each, Real) and 0 < each < float("inf") for each in exponents):
        raise ValueError(f"`exponents` must be a list of numbers > 0, one per scale; got {exponents!r}.")
    return exponents
