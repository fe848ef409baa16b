"""Total variation: the sum of |down|^b + |right|^b over an image's numbers, divided by how many they are.

down and right are the differences to the next number below and to the right, 0 at the border. The isotropic form has
(down^2 + right^2)^(b/2) instead.
"""

from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number, one_of, switch
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import fit_elements, widen
from piste.losses.features.base import fit_image
from piste.losses.features.tiles import over_tiles
from piste.losses.spec import Case, Choice, loss

SIDE = 512
"""Pixels in a row and a column of a tile."""


def as_printed(image: list[list[list[float]]], exponent: float, isotropic: bool) -> float:
    """One image."""
    total, count = 0.0, 0
    for channel in image:
        for i, row in enumerate(channel):
            for j, x in enumerate(row):
                down = channel[i + 1][j] - x if i + 1 < len(channel) else 0.0
                right = row[j + 1] - x if j + 1 < len(row) else 0.0
                if isotropic:
                    total += (down**2 + right**2) ** (exponent / 2)
                else:
                    total += abs(down) ** exponent + abs(right) ** exponent
                count += 1
    return total / count


@loss(
    tasks=("restoration", "generation"),
    source="Rudin, Osher and Fatemi 1992, Physica D 60; exponent: Mahendran and Vedaldi 2015, arXiv:1412.0035",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"exponent": Choice(1.0, 2.0)},
    reference=as_printed,
    variants=({"isotropic": True}, {"exponent": 1.25}, {"exponent": 2.0, "isotropic": True}),
    call="images",
    cases=(
        Case({}, [[[[0.0, 3.0], [4.0, 0.0]]]], None, 3.5, "down 4 and -3, right 3 and -4: 14 over 4 numbers"),
        Case({"isotropic": True}, [[[[0.0, 3.0], [4.0, 0.0]]]], None, 3.0, "(5 + 3 + 4 + 0) / 4"),
        Case({"exponent": 2.0}, [[[[0.0, 3.0], [4.0, 0.0]]]], None, 12.5, "(16 + 9 + 9 + 16) / 4"),
    ),
)
class TotalVariation(Loss):
    """Total variation: how much an image changes from pixel to pixel, a price for noise and checkerboards.

    It looks at the prediction alone and is lowest, 0, for a flat image: add it to another loss with a small factor.

    Called as `loss(prediction, *, sample_weight=None)` with images, floating, [N, C, H, W]; sample_weight (>= 0), [N]
    or [1], is what each image counts. A target may be given in second place, so that it can stand in a sum of losses;
    nothing is asked of it. What is summed in the papers is divided here by an image's C H W numbers, so that its
    factor does not depend on the size.

    Args:
        exponent: Power of a difference, >= 1. 1 lets edges stand and flattens the rest; raising it blurs edges sooner
            than many small steps.
        isotropic: Whether a pixel pays for the length of its gradient, as in the paper; else for each of its two
            differences, as is usual, where slanting edges cost more. With exponent 2 both are the same.
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over the images, 0 if nothing counts;
            "sum"; "none" for one weighted cost an image.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Rudin, Osher and Fatemi 1992; exponent of Mahendran and Vedaldi 2015, arXiv:1412.0035.

    Example:
        >>> import torch
        >>> TotalVariation()(torch.ones(4, 4).tril().view(1, 1, 4, 4))
        tensor(0.3750)
    """

    def __init__(self, *, exponent: float = 1.0, isotropic: bool = False, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.exponent = number("exponent", exponent, "the power of a difference", low=1.0)
        self.isotropic = switch("isotropic", isotropic)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    def forward(
        self, prediction: Tensor, target: Tensor | None = None, *, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the images; see the class."""
        fit_image("prediction", prediction)
        fit_elements(prediction.shape[:1], None, sample_weight)
        image = widen(prediction)
        isotropic = self.isotropic and self.exponent != 2  # where both are the same
        total = over_tiles(
            lambda planes: _cost(planes, self.exponent, isotropic),
            lambda planes: _cost(planes, self.exponent, isotropic, SIDE),
            image,
            begins=(image.shape[2], image.shape[3]),
            side=SIDE,
            margin=1,
            priced=lambda planes: _priced(planes, self.exponent, isotropic),
        )
        return reduce(total.sum(1) / image.shape[1:].numel(), sample_weight, self.reduction)


def _cost(planes: Tensor, exponent: float, isotropic: bool, side: int | None = None) -> Tensor:
    """What each plane's first `side` rows and columns cost; None for all of them."""
    steps = _steps(planes, side)
    if not isotropic:
        down, right = (step.abs().pow(exponent).sum((1, 2)) for step in steps)
        return down + right
    square = _square(planes[:, :side, :side], *steps)
    flat = square == 0  # where the root has no slope
    return square.masked_fill(flat, 1.0).pow(exponent / 2).masked_fill(flat, 0.0).sum((1, 2))


def _steps(planes: Tensor, side: int | None) -> tuple[Tensor, Tensor]:
    """The differences down and to the right, of each plane's first `side` rows and columns."""
    return planes[:, :, :side].diff(dim=1), planes[:, :side].diff(dim=2)


def _square(own: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """The squared length of each pixel's gradient, in which a step beyond the image is 0."""
    rows, columns = own.shape[1] - down.shape[1], own.shape[2] - right.shape[2]
    return F.pad(down.square(), (0, 0, 0, rows)) + F.pad(right.square(), (0, columns))


def _priced(tile: Tensor, exponent: float, isotropic: bool) -> tuple[Tensor, Tensor]:
    """What a tile costs, and its slope.

    Each step's steepness is the slope over the exponent, |step|^(exponent - 1) with the step's sign, so that
    the cost is the sum of steepness times step.
    """
    steps = _steps(tile, SIDE)
    if isotropic:
        square = _square(tile[:, :SIDE, :SIDE], *steps)
        share = square.pow(exponent / 2 - 1).masked_fill_(square == 0, 0.0)  # where the root has no slope
        steepness = [step * share[:, : step.shape[1], : step.shape[2]] for step in steps]
    elif exponent == 1:
        steepness = [step.sign() for step in steps]
    elif exponent == 2:
        steepness = list(steps)
    else:
        steepness = [step.abs().pow_(exponent - 1).copysign_(step) for step in steps]
    cost, slope = tile.new_zeros(len(tile)), torch.zeros_like(tile)
    for axis, own, step, steep in zip((1, 2), (slope[:, :, :SIDE], slope[:, :SIDE]), steps, steepness, strict=True):
        cost += (steep * step).sum((1, 2))
        own.narrow(axis, 1, step.shape[axis]).add_(steep, alpha=exponent)
        own.narrow(axis, 0, step.shape[axis]).sub_(steep, alpha=exponent)
    return cost, slope
