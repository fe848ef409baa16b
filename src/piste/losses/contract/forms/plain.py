"""A second opinion: what a loss should give, in slow plain Python around its paper's formula.

The spec's `reference` prices the smallest unit; softmax, weights, masks and means are written out here once more, by
the words of the bases' docstrings and without any of their code. Nothing below adds two tensors.
"""

from collections.abc import Iterator, Sequence
from math import exp, isclose
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting


class Element(NamedTuple):
    """One position of one image.

    Args:
        image: Which image.
        probs: Probability per class.
        target: Share per class.
        kept: Per class, whether the label there counts.
        counts: Per class, how much it counts: 0 where it does not.
    """

    image: int
    probs: list[float]
    target: list[float]
    kept: list[bool]
    counts: list[float]


def plain_value(
    setting: "Setting",
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Compute what the loss should return, in float64.

    Args:
        setting: The loss and its keywords.
        prediction: Logits, or values.
        target: Any target the loss takes.
        mask: As for the loss.
        sample_weight: As for the loss.
    """
    if setting.activation is None:
        costs, weights, shape = _values(setting, prediction, target, mask, sample_weight)
    else:
        elements = list(_elements(setting, prediction, target, mask, sample_weight))
        if setting.spec.unit == "element":
            costs, weights, shape = _labels(setting, elements, prediction.shape)
        elif setting.spec.unit == "class":
            costs, weights, shape = _regions(setting, elements)
        else:
            return _whole(setting, elements)
    return averaged(setting, costs, weights, shape)


Costs = tuple[list[float], list[float], Sequence[int]]
"""The weighted cost of each unit, its weight, and the shape that `reduction="none"` gives them."""


def _values(
    setting: "Setting", prediction: Tensor, target: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Costs:
    """Price each number against its target."""
    costs, weights = [], []
    keep, counts = (_spread(given, prediction.shape) for given in (mask, sample_weight))
    for p, t, kept, count in zip(_flat(prediction), _flat(target), keep, counts, strict=True):
        weights.append(count if kept else 0.0)
        costs.append(weights[-1] * setting.spec.reference(p, t, **setting.hyper) if kept else 0.0)
    return costs, weights, prediction.shape


def _elements(
    setting: "Setting", prediction: Tensor, target: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Iterator[Element]:
    """Go through all positions of all images."""
    exclusive = setting.activation == "softmax"
    ids = exclusive and not target.is_floating_point()
    truth = _spread(target.unsqueeze(1) if ids else target, prediction.shape)
    keep, count = (
        _spread(given.unsqueeze(1) if given is not None and exclusive else given, prediction.shape)
        for given in (mask, sample_weight)
    )
    images, classes = prediction.shape[:2]
    scores, positions = _flat(prediction), prediction[0, 0].numel()
    ignored = setting.get("ignore_index")
    for image in range(images):
        for position in range(positions):
            at = [(image * classes + c) * positions + position for c in range(classes)]
            row = [scores[i] for i in at]
            probs = softmax(row) if exclusive else [sigmoid(score) for score in row]
            kept = [bool(keep[i]) and (ignored is None or truth[i] != ignored) for i in at]
            shares = [float(truth[i] == c) if ids else float(truth[i]) for c, i in enumerate(at)]
            yield Element(image, probs, shares, kept, [count[i] * k for i, k in zip(at, kept, strict=True)])


def _labels(setting: "Setting", elements: list[Element], shape: Sequence[int]) -> Costs:
    """Price each element's label: one per position with softmax, one per position and class with sigmoid."""
    images, classes, *space = shape
    if setting.activation == "softmax":
        priced = [_exclusive(setting, e) for e in elements]
        return [cost for cost, _ in priced], [weight for _, weight in priced], (images, *space)
    by_image = [[e for e in elements if e.image == image] for image in range(images)]
    priced = [_independent(setting, e, c) for image in by_image for c in range(classes) for e in image]
    return [cost for cost, _ in priced], [weight for _, weight in priced], shape


def _exclusive(setting: "Setting", e: Element) -> tuple[float, float]:
    """Weighted cost and weight of an element of one class.

    A class's weight multiplies the cost of its share of the label; what smoothing moves to another class has that
    class's weight, and the mean is over the weights of the labels as they were: all as in torch's cross-entropy. A
    loss whose price of a soft label is not the average over its classes has the average weight instead.
    """
    if not e.kept[0]:
        return 0.0, 0.0
    reference, classes, weights = setting.spec.reference, len(e.probs), setting.get("weight")
    cost = reference(e.probs, e.target, **setting.hyper)
    if weights is None:
        return cost * e.counts[0], e.counts[0]
    weight = sum(w * y for w, y in zip(weights, e.target, strict=True))
    smoothing = setting.get("label_smoothing") or 0.0
    hyper = setting.hyper | {"label_smoothing": 0.0} if smoothing else setting.hyper
    shares = [(1 - smoothing) * y + smoothing / classes for y in e.target]
    alone = [reference(e.probs, [float(c == k) for k in range(classes)], **hyper) for c in range(classes)]
    if isclose(sum(y * each for y, each in zip(shares, alone, strict=True)), cost, rel_tol=1e-9, abs_tol=1e-12):
        cost = sum(w * y * each for w, y, each in zip(weights, shares, alone, strict=True))
    else:
        cost = weight * cost
    return cost * e.counts[0], weight * e.counts[0]


def _independent(setting: "Setting", e: Element, c: int) -> tuple[float, float]:
    """Weighted cost and weight of one label among several: a choice between not and yes."""
    if not e.kept[c]:
        return 0.0, 0.0
    p, y = e.probs[c], e.target[c]
    hyper = {name: value[c] if isinstance(value, list) else value for name, value in setting.hyper.items()}
    weights = setting.get("weight")
    weight = e.counts[c] * (1.0 if weights is None else weights[c])
    return weight * setting.spec.reference([1 - p, p], [1 - y, y], **hyper), weight


def _regions(setting: "Setting", elements: list[Element]) -> Costs:
    """Price each class over the elements of each image, or of the batch as if it were one image."""
    per_image, classes = setting.get("per_image"), setting.get("classes")
    chosen = range(len(elements[0].probs)) if classes == "all" else classes
    images = max(e.image for e in elements) + 1
    units = [[e for e in elements if e.image == image] for image in range(images)] if per_image else [elements]
    priced = [_region(setting, unit, c) for unit in units for c in chosen]
    shape = (images, len(chosen)) if per_image else (len(chosen),)
    return [cost for cost, _ in priced], [weight for _, weight in priced], shape


def _region(setting: "Setting", unit: list[Element], c: int) -> tuple[float, float]:
    """Weighted cost and weight of one class in one unit."""
    number, total = sum(e.counts[c] > 0 for e in unit), sum(e.counts[c] for e in unit)
    if not total:
        return 0.0, 0.0
    weight = total / number if setting.get("per_image") else 1.0
    if setting.get("weight") is not None:
        weight *= setting.get("weight")[c]
    probs, target = [e.probs[c] for e in unit], [e.target[c] if e.kept[c] else 0.0 for e in unit]
    share = [e.counts[c] * number / total for e in unit]  # only proportions matter
    absent = setting.get("absent")
    if absent is None:
        absent = "skip" if setting.activation == "softmax" and setting.get("classes") == "all" else "area"
    if absent != "formula" and not any(y * s for y, s in zip(target, share, strict=True)):
        area = sum(p * s for p, s in zip(probs, share, strict=True)) / number
        return (weight * area, weight) if absent == "area" else (0.0, 0.0)
    return weight * setting.spec.reference(probs, target, share, **setting.hyper), weight


def _whole(setting: "Setting", elements: list[Element]) -> Tensor:
    """Price the batch at once."""
    columns = ([e.probs for e in elements], [e.target for e in elements], [e.counts for e in elements])
    cost = setting.spec.reference(*columns, activation=setting.activation, **setting.hyper)
    return torch.tensor(cost, dtype=torch.float64)


def averaged(setting: "Setting", costs: list[float], weights: list[float], shape: Sequence[int]) -> Tensor:
    """Reduce the weighted costs of a loss's units as its setting says, in float64.

    Args:
        setting: The loss and its keywords.
        costs: What each unit costs, times its weight.
        weights: How much each counts.
        shape: What `reduction="none"` gives.
    """
    if setting.get("reduction") == "none":
        return torch.tensor(costs, dtype=torch.float64).reshape(tuple(shape))
    total = sum(costs)
    if setting.get("reduction") == "mean":
        total = total / sum(weights) if sum(weights) else 0.0
    return torch.tensor(total, dtype=torch.float64)


def softmax(scores: list[float]) -> list[float]:
    """Compute exp(x_c) / sum_k exp(x_k)."""
    powers = [exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def sigmoid(score: float) -> float:
    """Compute 1 / (1 + exp(-x))."""
    return 1 / (1 + exp(-score)) if score >= 0 else exp(score) / (1 + exp(score))


def _flat(tensor: Tensor) -> list[float]:
    """Return the numbers of a tensor in order."""
    numbers: list[float] = tensor.detach().flatten().tolist()
    return numbers


def _spread(given: Tensor | None, shape: Sequence[int]) -> list[float]:
    """Return the numbers of a tensor repeated to a shape; ones if there is none."""
    return _flat(torch.ones(()).expand(shape) if given is None else given.expand(shape))
