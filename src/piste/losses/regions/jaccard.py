"""Jaccard loss: 1 - tp / (tp + fp + fn), with tp + fp + fn the union of the predicted and the true area.

With smooth s it is 1 - (tp + s) / (tp + fp + fn + s), computed as (fp + fn) / (tp + fp + fn + s).
"""

from math import log

from torch import Tensor

from piste.losses.regions.base import RegionLoss
from piste.losses.regions.units import ratio
from piste.losses.spec import Case, loss


def as_printed(probs: list[float], target: list[float], element_weight: list[float], smooth: float) -> float:
    """One class: 1 - (|p| + |y| - |p - y|) / (|p| + |y| + |p - y|), with L1 norms."""
    areas = apart = 0.0
    for p, y, w in zip(probs, target, element_weight, strict=True):
        areas += w * (p + y)
        apart += w * abs(p - y)
    union = (areas + apart) / 2 + smooth
    return 1 - ((areas - apart) / 2 + smooth) / union if union else 0.0


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Wang et al. 2023, arXiv:2302.05666; hard labels: Rahman and Wang 2016, ISVC",
    value_range=(0.0, 1.0),
    tendency="neither",
    reference=as_printed,
    variants=({"smooth": 1.0}, {"per_image": True}, {"absent": "formula"}),
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[40.0, 0.0, -40.0]]],
            [[[1, 1, 0]]],
            1 / 4,
            "shared area 1 + 1/2, union 2: 1 - 1.5 / 2",
        ),
        Case(
            {},
            [[[log(3), 0.0], [0.0, 0.0]]],
            [[0, 1]],
            (1 / 2 + 3 / 5) / 2,
            "p of class 0 is (3/4, 1/2): 1 - 0.75 / (1 + 1/2) = 1/2; of class 1 (1/4, 1/2): 1 - 0.5 / (1/4 + 1) = 3/5",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, 0.0]]],
            [[[0.5, 0.25]]],
            1 / 4,
            "p = (1/2, 1/2): shared 1/2 + 1/4, union 1/2 + 1/2; the pixel where p = y costs nothing",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, -40.0]]],
            [[[0, 0]]],
            1 / 4,
            "no true element: the share of the two that was predicted, 1/2 / 2",
        ),
    ),
)
class Jaccard(RegionLoss):
    """Jaccard loss: one minus intersection over union, the score that segmentation is judged by, made soft.

    Right for soft labels: its minimum lies at the label, where product forms prefer 0 or 1. Alone from the start it is
    slower to train than cross-entropy; it is often added to it or follows it at a lower learning rate.

    Args:
        **common: activation, weight, ignore_index, reduction, per_image, classes, absent and smooth of `RegionLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Wang et al. 2023, arXiv:2302.05666.

    Example:
        >>> import torch
        >>> Jaccard(activation="sigmoid")(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor(0.5000)
    """

    def cost(self, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        """Price what is wrong, as a share of the union."""
        return ratio(fp + fn, tp + fp + fn + self.smooth)
