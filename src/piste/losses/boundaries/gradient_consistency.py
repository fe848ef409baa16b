"""Mask-image gradient consistency: sum |M| (1 - cos^2(I, M)) / sum |M|, I and M the gradients of image and mask.

With n = sqrt(|M|^2 + epsilon) and the cross product I x M, a pixel costs (|I x M|^2 + epsilon |M|^2) / (|I|^2 +
epsilon) / n and weighs |M|^2 / n: the same where gradients are not tiny, and nothing where the mask is flat.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from piste.losses.arguments import Weights, class_ids, number, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, fit_elements, one_per_class, product, widen
from piste.losses.regions.areas import over_space
from piste.losses.regions.units import fit_classes, ratio
from piste.losses.spec import Case, loss


def as_printed(
    places: list[tuple[int, ...]],
    probs: list[float],
    image: list[float],
    element_weight: list[float],
    epsilon: float,
) -> float:
    """One class of one image: unit vectors and their squared cosine, by Sobel's filter divided by 8."""
    pixels = {place: at for at, place in enumerate(places)}

    def gradient(values: list[float], row: int, column: int) -> tuple[float, float]:
        down = across = 0.0
        for side, factor in ((-1, 1), (0, 2), (1, 1)):
            down += factor * (values[pixels[row + 1, column + side]] - values[pixels[row - 1, column + side]])
            across += factor * (values[pixels[row + side, column + 1]] - values[pixels[row + side, column - 1]])
        return down / 8, across / 8

    cost = total = 0.0
    for row, column in places:
        around = [(row + a, column + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        if not all(place in pixels for place in around):
            continue
        weight = min(element_weight[pixels[place]] for place in around)
        if weight:
            (i_y, i_x), (m_y, m_x) = gradient(image, row, column), gradient(probs, row, column)
            steep = (m_y**2 + m_x**2 + epsilon) ** 0.5
            cosine = (i_y * m_y + i_x * m_x) / (i_y**2 + i_x**2 + epsilon) ** 0.5 / steep
            magnitude = steep - epsilon / steep
            cost += weight * (magnitude - steep * cosine**2)
            total += weight * magnitude
    return cost / (total + epsilon)


@loss(
    tasks=("segmentation",),
    targets=("maps",),
    source="Levinshtein et al. 2017, arXiv:1712.07168",
    value_range=(0.0, 1.0),
    tendency="neither",
    reference=as_printed,
    unit="class",
    call="guided",
    variants=({"epsilon": 0.01},),
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[[40.0, 40.0, 40.0], [0.0, 0.0, 0.0], [-40.0, -40.0, -40.0]]]],
            {"image": [[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]]},
            1 / (1 + 1e-6 * (1 / 4 + 1e-6) ** 0.5 / (1 / 4)),
            "one pixel has neighbours all around: the mask falls downwards, M = (-1/2, 0), the image rises to the "
            "right, I = (0, 1/2); it costs what it weighs, 1/4 / (1/4 + epsilon)^(1/2)",
        ),
        Case(
            {"activation": "sigmoid", "epsilon": 1 / 8},
            [[[[40.0, 40.0, 40.0], [0.0, 0.0, 0.0], [-40.0, -40.0, -40.0]]]],
            {"image": [[[[0.0, 0.25, 0.5], [0.25, 0.5, 0.75], [0.5, 0.75, 1.0]]]]},
            (3 / 16) / (3 / 8) ** 0.5 / ((1 / 4) / (3 / 8) ** 0.5 + 1 / 8),
            "M = (-1/2, 0), I = (1/4, 1/4): |I x M|^2 = 1/64, |M|^2 = 1/4, |I|^2 = 1/8, n^2 = 3/8; the cost is "
            "(1/64 + 1/32) / (1/8 + 1/8) / n and the weight 1/4 / n",
        ),
    ),
)
class GradientConsistency(Loss):
    """Mask-image gradient consistency: the mask's edges must run along edges of the image.

    It needs no fine labels, and sharpens what coarse ones teach: hair, fur, leaves. It cannot train alone, since a
    blank mask has no edges and costs 0; the paper adds half of it to cross-entropy. Which side of an edge is which,
    and whether the image rises or falls there, does not matter.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`:

    - logits [N, C, H, W]; target a mapping whose "image" is floating, [N, 1 or 3, H, W], made grey by the mean of its
      channels; what else it holds is not read. H and W are 3 or more, and the outermost pixels have no gradient.
    - mask (bool, True where an element counts) and sample_weight (>= 0): [N, H, W] with softmax, [N, C, H, W] with
      sigmoid; any axis may have size 1. A pixel's edge counts what the least of its 3 x 3 neighbourhood counts, so
      that an element that does not count has exactly no gradient.

    Args:
        epsilon: Square of a gradient that is as good as flat, > 0, for images whose black is 0 and white 1. Raising it
            makes weak edges of the image, such as noise, count as none.
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class, for the mean over classes.
        reduction: "mean" is sum(weight * cost) / sum(weight) over the classes and images that count, 0 if none does;
            "sum"; "none" for one weighted cost a class and image, [N, C].
        classes: "all", or the class ids that are scored, such as that of hair.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Levinshtein et al. 2017, arXiv:1712.07168.

    Example:
        >>> import torch
        >>> stripes = (torch.arange(6) // 3 % 2).float().expand(1, 1, 6, 6)
        >>> loss = GradientConsistency(activation="sigmoid")
        >>> along, across = loss(9 * stripes - 4, {"image": stripes}), loss(9 * stripes.mT - 4, {"image": stripes})
        >>> round(along.item(), 3), round(across.item(), 3)
        (0.0, 1.0)
    """

    reads: ClassVar[tuple[str, ...]] = ("image",)

    _weight: Tensor | None
    _classes: Tensor | None

    def __init__(
        self,
        *,
        epsilon: float = 1e-6,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        reduction: Reduction = "mean",
        classes: Literal["all"] | Sequence[int] = "all",
    ) -> None:
        super().__init__()
        self.epsilon = number("epsilon", epsilon, "the square of a gradient", above=0.0)
        self.activation = one_of("activation", activation, get_args(Activation))
        self.weight = weight
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.classes = classes
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)
        self.register_buffer("_classes", class_ids("classes", classes), persistent=False)

    def forward(
        self,
        logits: Tensor,
        target: Mapping[str, Any],
        *,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Cost of the logits; see the class."""
        image = _image(logits, target, self.activation)
        element = logits.shape if self.activation == "sigmoid" else logits.shape[:1] + logits.shape[2:]
        fit_elements(element, mask, sample_weight)
        if self._weight is not None:
            one_per_class("weight", self._weight, logits)
        fit_classes(self.classes, logits)
        if self.activation == "softmax":
            mask, sample_weight = (None if each is None else each.unsqueeze(1) for each in (mask, sample_weight))
        logits = widen(logits)
        probs = logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()
        image, weight = image.to(logits.dtype), self._weight
        if self._classes is not None:
            probs, weight = probs.index_select(1, self._classes), weight if weight is None else weight[self._classes]
        count = product(sample_weight, mask)
        if count is None:
            return reduce(self._cost(image.mean(1, keepdim=True), probs, None), weight, self.reduction)
        counts = count.detach().to(logits.dtype).expand(logits.shape)
        if self._classes is not None:
            counts = counts.index_select(1, self._classes)
        known = counts > 0
        number_, total = over_space(known.to(counts.dtype)), over_space(counts)
        grey = image.where(known.any(1, keepdim=True), 0).mean(1, keepdim=True)
        cost = self._cost(grey, probs.where(known, 0), counts * ratio(number_, total)[..., None, None])
        counted = ratio(total, number_)
        return reduce(cost, counted if weight is None else counted * weight.to(cost.dtype), self.reduction)

    def _cost(self, grey: Tensor, probs: Tensor, count: Tensor | None) -> Tensor:
        """Cost of each class of each image, [N, C]."""
        (i_y, i_x), (m_y, m_x) = sobel(grey), sobel(probs)
        square = m_y.square() + m_x.square()
        steep = (square + self.epsilon).sqrt()
        across = (i_y * m_x - i_x * m_y).square()  # |I|^2 |M|^2 - (I M)^2 = |I x M|^2
        cost = (across + self.epsilon * square) / (i_y.square() + i_x.square() + self.epsilon) / steep
        most = square / steep
        if count is not None:
            weight = _least_around(count)
            cost, most = weight * cost, weight * most
        return over_space(cost) / (over_space(most) + self.epsilon)


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient [N, C, H - 2, W - 2] down and across, by Sobel's filter divided by 8: 1 for a slope of 1 a pixel."""
    down, across = image[..., 2:, :] - image[..., :-2, :], image[..., 2:] - image[..., :-2]
    down = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    across = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    return down / 8, across / 8


def _least_around(x: Tensor) -> Tensor:
    """The least of the 3 x 3 numbers around each, [N, C, H - 2, W - 2]."""
    for axis in (-1, -2):
        size = x.shape[axis] - 2
        x = torch.stack([x.narrow(axis, start, size) for start in range(3)]).amin(0)
    return x


def _image(logits: Tensor, target: Any, activation: Activation) -> Tensor:
    """The image of a target, if it fits the logits."""
    if not isinstance(target, Mapping) or "image" not in target:
        came = f"a mapping of {sorted(target)}" if isinstance(target, Mapping) else type(target).__name__
        raise ValueError(f'`target` must be a mapping whose "image" holds images [N, 1 or 3, H, W]; got {came}.')
    image: Tensor = target["image"]
    if logits.dim() != 4 or not logits.is_floating_point() or min(logits.shape[2:]) < 3:
        raise ValueError(
            f"`logits` must be floating, [N, C, H, W] with H and W of 3 or more; "
            f"got {logits.dtype} {list(logits.shape)}."
        )
    if activation == "softmax" and logits.shape[1] == 1:
        raise ValueError(
            '`logits` must have two classes or more with activation="softmax", which makes 1 of a single score; '
            f'got {list(logits.shape)}. One foreground class goes with activation="sigmoid".'
        )
    shapes = [[logits.shape[0], channels, *logits.shape[2:]] for channels in (1, 3)]
    if list(image.shape) not in shapes or not image.is_floating_point():
        raise ValueError(
            f'`target["image"]` must be floating, {shapes[0]} or {shapes[1]}; got {image.dtype} {list(image.shape)}. '
            "Divide bytes by 255."
        )
    return image
