"""Class weights from counts: how much more an element of a rare class weighs than one of a common class.

With n_c elements of class c among N, C classes, and m_c elements in the images that hold class c:

    inverse       N / (C n_c)
    sqrt_inverse  sqrt(N / (C n_c))
    median        median over classes of f, divided by f_c, with f_c = n_c / m_c    Eigen and Fergus 2015; SegNet
    effective     (1 - b) / (1 - b^n_c)                                             Cui et al. 2019, eq. 2
    enet          1 / ln(1.02 + n_c / N)                                            Paszke et al. 2016

Then, in this order: raised to `power`, capped, and scaled so that the weights average 1. With `reduction="mean"` a
common factor of all weights changes nothing, so the scaling costs nothing and makes methods comparable.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, get_args

import torch
from torch import Tensor

from piste.names import nearest

Method = Literal["inverse", "sqrt_inverse", "median", "effective", "enet"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class ClassCounts:
    """What a training set holds of each class.

    Args:
        pixels: Elements of each class: pixels in segmentation, samples in classification.
        images: Images in which each class occurs.
        containing: Elements, of whatever class, in the images in which each class occurs.
        total: All elements that count. Classes that can overlap, or a selection of classes, do not add up to it.
    """

    pixels: tuple[int, ...]
    images: tuple[int, ...]
    containing: tuple[int, ...]
    total: int

    def of(self, classes: Iterable[int]) -> "ClassCounts":
        """The counts of some classes, as a model sees them that does not score the others."""
        chosen = tuple(classes)
        pixels, images, containing = (
            tuple(counts[c] for c in chosen) for counts in (self.pixels, self.images, self.containing)
        )
        return ClassCounts(pixels, images, containing, self.total)


def class_weights(
    counts: Sequence[float] | Tensor,
    method: Method,
    power: float = 1.0,
    cap: float | None = None,
    *,
    containing: Sequence[float] | Tensor | None = None,
    beta: float | None = None,
    normalize: bool = True,
) -> Tensor:
    """Weights that make rare classes count more, from how often each class occurs.

    Raising `power` or `cap` lets rare classes weigh more: recall for them, at the price of precision. Inverse is
    the boldest; sqrt_inverse goes half as far; effective lies between equal weights and inverse; enet never weighs one
    class 36 times another; median forgives a class that is rare only because few images hold it.

    Args:
        counts: Elements of each class, all > 0.
        method: One of inverse, sqrt_inverse, median, effective, enet.
        power: The weights are raised to it; > 0. Below 1 brings them closer together.
        cap: The most a class may weigh, in multiples of the lightest class; >= 1. None for no limit.
        containing: What median needs, and no other method reads: the elements, of whatever class, in the images that
            hold each class.
        beta: For effective, and only there: in [0, 1). Counts far above 1 / (1 - beta) are all alike to it, so
            0.9999 suits thousands of samples and not millions of pixels. None stands for (N - 1) / N, the paper's
            own choice when nothing else is known.
        normalize: Whether to scale the weights so that they average 1. Otherwise they are as printed above.

    Returns:
        One weight per class, [C], float32.

    Raises:
        ValueError: A method that does not exist, counts that no weight can be made from, a setting out of range, one
            that the method needs and did not get, or has and does not read.

    Example:
        >>> class_weights([90, 10], "inverse")
        tensor([0.2000, 1.8000])
        >>> class_weights([90, 10], "inverse", cap=4)
        tensor([0.4000, 1.6000])
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be a class weighting; got {method!r}; {nearest(str(method), METHODS)}.")
    if not power > 0 or math.isinf(power):
        raise ValueError(f"`power` must be a number > 0 (0 would weigh every class alike); got {power}.")
    if cap is not None and not cap >= 1:
        raise ValueError(f"`cap` is a multiple of the lightest class's weight and must be >= 1; got {cap}.")
    weights = [weight**power for weight in _as_printed(_occurring(counts), method, containing, beta)]
    if cap is not None:
        weights = [min(weight, cap * min(weights)) for weight in weights]
    scale = len(weights) / sum(weights) if normalize else 1.0
    return torch.tensor([weight * scale for weight in weights], dtype=torch.float32)


def positive_weights(
    counts: Sequence[float] | Tensor,
    total: float,
    method: Method,
    power: float = 1.0,
    cap: float | None = None,
    *,
    containing: Sequence[float] | Tensor | None = None,
    beta: float | None = None,
) -> Tensor:
    """Weights of present against absent, label by label: `pos_weight` of a binary cross-entropy.

    Each label is a problem of two classes, its presence and its absence, and gets the ratio of their
    `class_weights`; inverse gives the usual (number of absences) / (number of presences).

    Args:
        counts: Elements in which each label is present.
        total: All elements.
        method: As in `class_weights`.
        power: As in `class_weights`.
        cap: As in `class_weights`, for each label on its own: neither side weighs more than `cap` times the other.
        containing: As in `class_weights`.
        beta: As in `class_weights`.

    Returns:
        One number per label, [C], float32.

    Raises:
        ValueError: As in `class_weights`, and for a label that every element or none carries.

    Example:
        >>> positive_weights([20, 50], total=100, method="inverse")
        tensor([4., 1.])
    """
    present = [float(count) for count in counts]
    ratios = []
    for label, count in enumerate(present):
        if not 0 < count < total:
            raise ValueError(
                f"`counts` must lie between 0 and the {total:g} elements; label {label} has {count:g}. A label that is "
                "never or always there cannot be balanced: leave it out, or give `pos_weight` as numbers."
            )
        held = None if containing is None else [total, float(containing[label])]
        absence, presence = class_weights(
            [total - count, count], method, power, cap, containing=held, beta=beta, normalize=False
        ).tolist()
        ratios.append(presence / absence)
    return torch.tensor(ratios, dtype=torch.float32)


def _as_printed(
    counts: list[float], method: Method, containing: Sequence[float] | Tensor | None, beta: float | None
) -> list[float]:
    """The weights as their papers print them."""
    if beta is not None and method != "effective":
        raise ValueError(f"`beta` is read by the method effective alone; got it with {method}.")
    elements = sum(counts)
    match method:
        case "inverse":
            return [elements / (len(counts) * count) for count in counts]
        case "sqrt_inverse":
            return [math.sqrt(elements / (len(counts) * count)) for count in counts]
        case "median":
            shares = _shares(counts, containing)
            return [median(shares) / share for share in shares]
        case "enet":
            return [1 / math.log(1.02 + count / elements) for count in counts]
        case "effective":
            return _effective(counts, 1 - 1 / elements if beta is None else beta)


def _effective(counts: list[float], beta: float) -> list[float]:
    """(1 - beta) / (1 - beta^n), without the cancellation when beta is close to 1."""
    if not 0 <= beta < 1:
        raise ValueError(f"`beta` must lie in [0, 1); got {beta}.")
    log_beta = math.log1p(beta - 1) if beta > 0 else -math.inf
    weights = [(1 - beta) / -math.expm1(count * log_beta) for count in counts]
    if len(set(counts)) > 1 and max(weights) - min(weights) < 1e-6 * max(weights):
        raise ValueError(
            f"`beta` {beta} weighs every class alike, because all counts are far above 1 / (1 - beta) = "
            f"{1 / (1 - beta):g}: leave it out (it is then {1 - 1 / sum(counts):.9g}) or choose another method."
        )
    return weights


def _shares(counts: list[float], containing: Sequence[float] | Tensor | None) -> list[float]:
    """The frequency of each class within the images that hold it."""
    if containing is None:
        raise ValueError(
            "`containing` is needed by the method median: the number of elements, of whatever class, in the images "
            "that hold each class. With global frequencies this would be another method."
        )
    held = [float(count) for count in containing]
    if len(held) != len(counts):
        raise ValueError(f"`containing` must have a number per class; got {len(held)} for {len(counts)} classes.")
    for c, (count, around) in enumerate(zip(counts, held, strict=True)):
        if not around >= count:
            raise ValueError(
                f"`containing` counts every element of the images that hold a class, so it is never below `counts`; "
                f"class {c} has {around:g} and {count:g}."
            )
    return [count / around for count, around in zip(counts, held, strict=True)]


def _occurring(counts: Sequence[float] | Tensor) -> list[float]:
    """The counts as floats, each of them a finite number > 0."""
    numbers = [float(count) for count in counts]
    if len(numbers) < 2:
        raise ValueError(
            f"`counts` must hold at least two classes: one alone has nothing to be weighed against; got {len(numbers)}."
        )
    for c, count in enumerate(numbers):
        if not 0 <= count < math.inf:
            raise ValueError(f"`counts` must be numbers >= 0; class {c} has {count}.")
    absent = [str(c) for c, count in enumerate(numbers) if count == 0]
    if absent:
        raise ValueError(
            f"`counts` must be > 0 for every class; class {', '.join(absent)} never occurs, so no frequency weighs it. "
            "Leave it out, or give the weights as numbers."
        )
    return numbers
