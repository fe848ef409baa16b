"""Total variation: the sum of |down|^b + |right|^b over an image's numbers, divided by how many they are.

down and right are the differences to the next number below and to the right, 0 at the border. The isotropic form has
(down^2 + right^2)^(b/2) instead.
"""

from typing import get_args

from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number, one_of, switch
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import fit_elements, widen
from piste.losses.features.base import fit_image
from piste.losses.spec import Case, Choice, loss


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
        down, right = image.diff(dim=2), image.diff(dim=3)
        if self.isotropic:
            square = F.pad(down.square(), (0, 0, 0, 1)) + F.pad(right.square(), (0, 1))
            flat = square == 0  # where the root has no slope
            cost = square.masked_fill(flat, 1.0).pow(self.exponent / 2).masked_fill(flat, 0.0).sum((1, 2, 3))
        else:
            down, right = (step.abs().pow(self.exponent).sum((1, 2, 3)) for step in (down, right))
            cost = down + right
        return reduce(cost / image.shape[1:].numel(), sample_weight, self.reduction)
