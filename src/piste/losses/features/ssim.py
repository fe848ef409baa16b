"""SSIM loss: 1 - the mean over windows of (2 mx my + c1) (2 sxy + c2) / ((mx^2 + my^2 + c1) (sx^2 + sy^2 + c2)).

m, s^2 and sxy are the means, variances and covariance in a Gaussian window; c1 = (k1 L)^2 and c2 = (k2 L)^2 for values
that span L.
"""

from collections.abc import Iterator
from math import exp
from typing import Unpack

from torch import Tensor

from piste.losses.arguments import number
from piste.losses.features.base import ImageKeywords, ImageLoss
from piste.losses.features.similarity import dissimilarity, gaussian, window_side
from piste.losses.spec import Case, loss

Channel = list[list[float]]


def as_printed(
    prediction: list[Channel],
    target: list[Channel],
    window: int,
    sigma: float,
    k1: float,
    k2: float,
    data_range: float,
) -> float:
    """One image: 1 - the mean of luminance times structure over the windows of its channels."""
    scores = [
        luminance * structure
        for x, y in zip(prediction, target, strict=True)
        for luminance, structure in windows(x, y, window, sigma, (k1 * data_range) ** 2, (k2 * data_range) ** 2)
    ]
    return 1 - sum(scores) / len(scores)


def windows(x: Channel, y: Channel, window: int, sigma: float, c1: float, c2: float) -> Iterator[tuple[float, float]]:
    """Luminance and structure (times contrast) in each window of one channel."""
    middle = (window - 1) / 2
    cells = [(i, j) for i in range(window) for j in range(window)]
    w = [exp(-((i - middle) ** 2 + (j - middle) ** 2) / (2 * sigma**2)) for i, j in cells]
    w = [each / sum(w) for each in w]
    for top in range(len(x) - window + 1):
        for left in range(len(x[0]) - window + 1):
            a = [x[top + i][left + j] for i, j in cells]
            b = [y[top + i][left + j] for i, j in cells]
            ma, mb = (sum(each * v for each, v in zip(w, values, strict=True)) for values in (a, b))
            va, vb, cov = (
                sum(each * (p - mp) * (q - mq) for each, p, q in zip(w, ps, qs, strict=True))
                for ps, mp, qs, mq in ((a, ma, a, ma), (b, mb, b, mb), (a, ma, b, mb))
            )
            yield (2 * ma * mb + c1) / (ma**2 + mb**2 + c1), (2 * cov + c2) / (va + vb + c2)


@loss(
    tasks=("restoration", "generation"),
    source="Wang et al. 2004, IEEE Transactions on Image Processing 13(4), eq. 13",
    value_range=(0.0, 2.0),
    tendency="neither",
    reference=as_printed,
    variants=({"window": 4, "sigma": 0.8, "k1": 0.3, "k2": 0.1, "data_range": 2.0},),
    call="images",
    cases=(
        Case(
            {"k1": 0.5},
            [[[[1.0] * 11] * 11]],
            [[[[0.5] * 11] * 11]],
            1 / 6,
            "flat images of 1 and 1/2: (2 * 1/2 + 1/4) / (1 + 1/4 + 1/4) = 5/6, and without contrast 1",
        ),
        Case(
            {"window": 2, "k2": 1.0},
            [[[[1.0, -1.0], [1.0, -1.0]]]],
            [[[[-1.0, 1.0], [-1.0, 1.0]]]],
            4 / 3,
            "means 0, variances 1, covariance -1: 1 * (-2 + 1) / (2 + 1) = -1/3",
        ),
    ),
)
class SSIM(ImageLoss):
    """Structural similarity: images should agree in local brightness, contrast and structure.

    Blur and noise of the same squared error differ much in it, roughly as they do to the eye. Only windows that lie
    inside the image count, as in the authors' code: nothing is padded, and images smaller than the window are
    refused. The authors' later code first averages large images down to some 256 pixels; here nothing does. Channels
    are compared one by one. 0 is equality, 1 no relation, 2 the negative.

    Called as `loss(prediction, target, *, sample_weight=None)`, with the shapes of `ImageLoss`.

    Args:
        window: Side of the window, in pixels, >= 2. Raising it looks at coarser structure.
        sigma: Standard deviation of its Gaussian, in pixels, > 0.
        k1: Steadies dark windows, > 0; raising it forgives errors of brightness there.
        k2: Steadies flat windows, > 0; raising it forgives noise there.
        data_range: Distance between black and white, > 0: 1 for values from 0 to 1, 255 for bytes.
        **common: reduction of `ImageLoss`.

    Raises:
        ValueError: An argument breaks its rule, or an image is smaller than the window.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, eq. 13, with the constants of its section III-C.

    Example:
        >>> import torch
        >>> image = torch.linspace(0, 1, 256).view(1, 1, 16, 16)
        >>> SSIM()(image, image)
        tensor(0.)
    """

    def __init__(
        self,
        *,
        window: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        data_range: float = 1.0,
        **common: Unpack[ImageKeywords],
    ) -> None:
        super().__init__(**common)
        self.window = window_side(window)
        self.sigma = number("sigma", sigma, "a width in pixels", above=0.0)
        self.k1 = number("k1", k1, "a share of the range", above=0.0)
        self.k2 = number("k2", k2, "a share of the range", above=0.0)
        self.data_range = number("data_range", data_range, "the distance from black to white", above=0.0)

    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image by what its windows lack to 1."""
        if min(prediction.shape[2:]) < self.window:
            raise ValueError(
                f"`prediction` must be no smaller than the window, {self.window} x {self.window}; "
                f"got {list(prediction.shape)}."
            )
        weights = gaussian(self.window, self.sigma)
        constants = (self.k1 * self.data_range) ** 2, (self.k2 * self.data_range) ** 2
        return dissimilarity(prediction, target, weights, *constants).mean(1)
