"""Losses called as `loss(logits, target, *, mask, sample_weight)` whose price depends on where each element lies.

The reference prices one class of one image: `reference(places, probs, target, element_weight, **hyper)`, with the
coordinates of each element and a list for it in each of the others. The value is the mean over the classes and images
in which something counts; an image counts by the mean of its weights above 0, a class by its `weight`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.base import Loss
from piste.losses.contract.forms.elements import Elements
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import averaged, sigmoid, softmax
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

Places = list[tuple[int, ...]]


@final
class Spatial(Form):
    """Logits and labels, as in `Elements`, in images whose pixels know their neighbours."""

    takes = frozenset({"mask", "sample_weight"})
    elements = Elements()

    def kinds(self, setting: "Setting") -> list[str]:
        """Kinds of target."""
        return self.elements.kinds(setting)

    def axis(self, kind: str) -> int | None:
        """With exclusive classes an element spreads over their axis."""
        return self.elements.axis(kind)

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits and labels; those for finite differences lie along a line, and a large image is a long one."""
        drawn = self.elements.example(setting, kind, size)
        if size == "large":
            prediction, target = (each[..., :212, :].flatten(-2) for each in (drawn.prediction, drawn.target))
            drawn = replace(drawn, prediction=prediction.unflatten(-1, (4, -1)), target=target.unflatten(-1, (4, -1)))
        return replace(drawn, form=self)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Many classes: all of them there, then one nowhere."""
        for drawn in self.elements.examples(setting, kind):
            yield replace(drawn, form=self)

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits at random, all right, all wrong, all alike, and wrong in stretches of 40 pixels."""
        for words, drawn in self.elements.extremes(setting, kind, sizes):
            yield words, replace(drawn, form=self)
        ids = torch.arange(120).view(1, 1, 120) // 40
        true = F.one_hot(ids, 3).movedim(-1, 1)
        target = {"index": ids, "soft": true.double(), "hard": true, "labels": true.double()}[kind]
        yield "wrong, in stretches", Example(self, kind, 200 * true.roll(1, 1).double() - 100, target)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Those of elements, and logits without an axis of pixels."""
        yield from self.elements.misfits(drawn)
        space = drawn.prediction.dim() - 2
        prediction, target = (each.flatten(-space)[..., 0] for each in (drawn.prediction, drawn.target))
        yield "logits without pixels", replace(drawn, prediction=prediction, target=target)

    def of_case(self, case: Case) -> Example:
        """Prediction, target and call as they stand."""
        return replace(self.elements.of_case(case), form=self)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call `loss(prediction, target, **call)`."""
        return self.elements.value(loss, drawn)

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Each class of each image by the reference."""
        hyper = setting.hyper
        target, shape = drawn.target, drawn.prediction.shape
        ids = setting.activation == "softmax" and not target.is_floating_point()
        labels = target.unsqueeze(1).expand(shape) if ids else target
        ignored = setting.get("ignore_index")

        def price(places: Places, probs: list[float], weights: list[float], image: int, c: int) -> float:
            rows = zip(labels[image, c].flatten().tolist(), weights, strict=True)
            truth = [float(y == c if ids else y) if w else 0.0 for y, w in rows]
            return setting.spec.reference(places, probs, truth, weights, **hyper)

        known = torch.ones(shape, dtype=torch.bool) if ignored is None else labels != ignored
        return mean_over_units(setting, drawn, known, price)


def mean_over_units(
    setting: "Setting",
    drawn: Example,
    known: Tensor,
    price: Callable[[Places, list[float], list[float], int, int], float],
) -> Tensor:
    """Price each class of each image, given places, probabilities and weights of its elements, and average."""
    exclusive, shape = setting.activation == "softmax", drawn.prediction.shape
    given = {n: (each.unsqueeze(1) if exclusive else each).expand(shape) for n, each in drawn.call.items()}
    known = known & given.get("mask", known)
    weight = given.get("sample_weight", torch.ones(shape, dtype=torch.float64)).where(known, 0)
    places = list(product(*(range(size) for size in shape[2:])))
    probs = probabilities(setting, drawn.prediction)
    chosen = range(shape[1]) if setting.get("classes") == "all" else setting.get("classes")
    class_weight = setting.get("weight") or [1.0] * shape[1]
    costs, counts = [], []
    for image, c in product(range(shape[0]), chosen):
        weights: list[float] = weight[image, c].flatten().tolist()
        number, total = sum(w > 0 for w in weights), sum(weights)
        counts.append(class_weight[c] * total / number if number else 0.0)
        scaled = [w * number / total for w in weights] if number else []  # only proportions matter
        costs.append(counts[-1] * price(places, probs[image][c], scaled, image, c) if number else 0.0)
    return averaged(setting, costs, counts, (shape[0], len(chosen)))


def probabilities(setting: "Setting", logits: Tensor) -> list[list[list[float]]]:
    """Per image and class, the probability of each element."""
    scores: list[list[list[float]]] = logits.detach().flatten(2).tolist()
    for image in scores:
        for at in range(len(image[0])):
            row = [each[at] for each in image]
            row = softmax(row) if setting.activation == "softmax" else [sigmoid(score) for score in row]
            for each, p in zip(image, row, strict=True):
                each[at] = p
    return scores
