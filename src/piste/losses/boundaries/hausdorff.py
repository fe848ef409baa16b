"""Hausdorff loss, by distance transforms: mean of (p - y)^2 (d_p^alpha + d_y^alpha) over the pixels of a class.

d_y is each pixel's distance to the true outline, d_p that to the outline of the prediction, p > 1/2.
"""

from collections.abc import Sequence
from math import dist, log
from typing import Unpack

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.boundaries.base import ShapeKeywords, ShapeLoss
from piste.losses.boundaries.distance import check_spacing, pixel_steps, squared_distance
from piste.losses.regions.areas import over_space
from piste.losses.regions.units import ratio
from piste.losses.spec import Between, Case, loss


def as_printed(
    places: list[tuple[int, ...]],
    probs: list[float],
    target: list[float],
    element_weight: list[float],
    alpha: float,
    spacing: float,
) -> float:
    """One class of one image; distances are to the nearest pixel of the other side that counts."""

    def to_other_side(inside: list[bool], at: int) -> float:
        others = [
            spacing * dist(place, places[at])
            for place, side, w in zip(places, inside, element_weight, strict=True)
            if w and side != inside[at]
        ]
        return min(others, default=0.0)

    predicted, true = [p > 0.5 for p in probs], [y > 0.5 for y in target]
    cost = total = 0.0
    for at, (p, y, w) in enumerate(zip(probs, target, element_weight, strict=True)):
        far = to_other_side(predicted, at) ** alpha + to_other_side(true, at) ** alpha
        cost += w * (p - y) ** 2 * far
        total += w
    return cost / total


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Karimi and Salcudean 2019, arXiv:1904.10030",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"alpha": Between(1.0, 3.0)},
    reference=as_printed,
    unit="class",
    call="spatial",
    variants=({"spacing": 2.0, "alpha": 1.0},),
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[40.0, 40.0, 40.0, -40.0]]],
            [[[1, 0, 0, 0]]],
            ((1**2 + 2**2) + (2**2 + 1**2)) / 4,
            "the second pixel is 1 from the true outline and 2 from the predicted one, the third 2 and 1",
        ),
        Case(
            {"activation": "sigmoid", "alpha": 1.0, "spacing": 3.0},
            [[[log(3), -log(3), -log(3)]]],
            [[[1, 0, 0]]],
            1 / 16 * (2 * 3 + 2 * 3 + 2 * 6) / 3,
            "every p is 1/4 away; both outlines lie behind the first pixel, distances 3, 3 and 6",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[0.0, 0.0]]],
            [[[0, 1]]],
            1 / 4 * (1 + 1) / 2,
            "no p is above 1/2, so that there is no predicted outline: errors of 1/2, at 1 from the true one",
        ),
    ),
)
class Hausdorff(ShapeLoss):
    """Hausdorff loss: squared errors, each weighed by how far it is from the true and from the predicted outline.

    It makes the largest distance between the outlines small without looking at one pixel alone. Added to a loss of
    regions, since mistakes beside the outline cost nearly nothing. Distances are found on the device in every step
    and carry no gradient. A side that is nowhere, or everywhere, has no outline and adds no distance.

    Args:
        alpha: Power of the distances, > 0. Raising it buys fewer far mistakes at the price of more near ones; the
            paper's is 2.
        spacing: Size of a pixel, or one number for each axis of *S, > 0, for volumes of unequal resolution.
        **common: activation, weight, ignore_index, reduction and classes of `ShapeLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Karimi and Salcudean 2019, arXiv:1904.10030, the form with distance transforms.

    Example:
        >>> import torch
        >>> logits, labels = torch.tensor([[[9.0, 9.0, 9.0, -9.0]]]), torch.tensor([[[1, 0, 0, 0]]])
        >>> Hausdorff(activation="sigmoid")(logits, labels)
        tensor(2.4994)
    """

    def __init__(
        self, *, alpha: float = 2.0, spacing: float | Sequence[float] = 1.0, **common: Unpack[ShapeKeywords]
    ) -> None:
        super().__init__(**common)
        self.alpha = number("alpha", alpha, "a power", above=0.0)
        check_spacing(spacing if isinstance(spacing, Sequence) else [spacing])
        self.spacing = spacing

    def cost(self, probs: Tensor, truth: Tensor, count: Tensor | None) -> Tensor:
        """Average the squared errors, weighed by distance."""
        shapes = torch.cat((probs, truth)).detach() > 0.5
        known = None if count is None else (count > 0).repeat(2, *[1] * (count.dim() - 1))
        squares = squared_distance(shapes, known, pixel_steps(self.spacing, probs.dim() - 2), probs.dtype)
        # x^alpha = exp(alpha log x), in which an alpha that moves does not have to be compiled anew
        of_probs, of_truth = squares.log_().mul_(self.alpha / 2).exp_().chunk(2)
        price = (of_probs + of_truth) * (probs - truth).square()
        if count is None:
            return price.flatten(2).mean(2)
        return ratio(over_space(count * price), over_space(count))
