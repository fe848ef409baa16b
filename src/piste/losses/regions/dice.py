"""Dice loss: 1 - 2 tp / (2 tp + fp + fn), with 2 tp + fp + fn the predicted plus the true area.

With smooth s it is 1 - (2 tp + s) / (2 tp + fp + fn + s), computed as (fp + fn) / (2 tp + fp + fn + s).
"""

from math import log

from torch import Tensor

from piste.losses.regions.base import RegionLoss
from piste.losses.regions.units import ratio
from piste.losses.spec import Case, loss


def as_printed(probs: list[float], target: list[float], element_weight: list[float], smooth: float) -> float:
    """One class; a soft label is met as far as the smaller of p and y reaches."""
    both = areas = 0.0
    for p, y, w in zip(probs, target, element_weight, strict=True):
        both += w * min(p, y)
        areas += w * (p + y)
    return 1 - (2 * both + smooth) / (areas + smooth) if areas + smooth else 0.0


@loss(
    tasks=("segmentation", "classification"),
    targets=("index", "soft", "labels"),
    source="Drozdzal et al. 2016, arXiv:1608.04117; soft labels: Wang et al. 2023, arXiv:2303.16296",
    value_range=(0.0, 1.0),
    tendency="neither",
    reference=as_printed,
    variants=({"smooth": 1.0}, {"per_image": True}),
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[40.0, 0.0, -40.0]]],
            [[[1, 1, 0]]],
            1 / 7,
            "predicted area 1.5, true area 2, in both 1.5: 1 - 2 * 1.5 / 3.5",
        ),
        Case(
            {},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            (1 / 3 + 3 / 7) / 2,
            "p of class 0 is (3/4, 1/2): 1 - 1.5 / (1.25 + 1) = 1/3; of class 1 (1/4, 1/2): 1 - 1 / (0.75 + 1) = 3/7",
        ),
        Case(
            {"activation": "sigmoid", "smooth": 1.0},
            [[[0.0, 0.0]]],
            [[[1, 0]]],
            1 / 3,
            "predicted area 1, true area 1, in both 1/2: 1 - (1 + 1) / (2 + 1)",
        ),
    ),
)
class Dice(RegionLoss):
    """Dice loss: one minus twice the shared area over the sum of both areas; the F1 score made soft.

    A class weighs the same whether it fills the image or a corner of it, so it is at home where foreground is rare. The
    denominator is the plain sum of areas, not that of squares (V-Net), and the mean is over classes: pooling all
    classes first would leave no overlap in it.

    Args:
        **common: activation, weight, ignore_index, reduction, per_image, classes, absent and smooth of `RegionLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Drozdzal et al. 2016, arXiv:1608.04117; right for soft labels by Wang et al. 2023, arXiv:2303.16296.

    Example:
        >>> import torch
        >>> Dice(activation="sigmoid")(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor(0.3333)
    """

    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price what is wrong, as a share of both areas."""
        return ratio(fp + fn, 2 * tp + fp + fn + self.smooth)
