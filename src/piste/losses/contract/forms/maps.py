"""Losses called as `loss(logits, {"distance": maps}, *, mask, sample_weight)`, with a number beside each logit.

The reference prices one element: `reference(prob, distance, **hyper)`. The value is the mean over all numbers that
count; a number counts what its element counts, times the weight of its class.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.forms.elements import MANY, SIZES
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import averaged
from piste.losses.contract.forms.spatial import probabilities
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting


@final
class Maps(Form):
    """Logits and maps of their shape. Kinds are "exclusive" for classes under a softmax and "independent"."""

    takes = frozenset({"mask", "sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """The one that goes with the activation."""
        return ["exclusive" if setting.activation == "softmax" else "independent"]

    def axis(self, kind: str) -> int | None:
        """With exclusive classes an element spreads over their axis."""
        return 1 if kind == "exclusive" else None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits and maps."""
        return self._drawn(setting, kind, SIZES[size], 3)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Many classes, then maps in which two have no outline."""
        drawn = self._drawn(setting, kind, SIZES["usual"], MANY)
        yield drawn
        yield replace(drawn, target={"distance": drawn.target["distance"].index_fill(1, torch.tensor([0, 2]), 0.0)})

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits at random, all inside, all outside, of maps as wide as a large image."""
        drawn = self.example(setting, kind, "usual")
        maps = drawn.target["distance"]
        signs = {"mixed": drawn.prediction.sign(), "inside": -maps.sign(), "outside": maps.sign()}
        for size, (words, sign), width in product(sizes, signs.items(), (1.0, 1e3)):
            wide = {"distance": maps * width}
            yield f"{words}, of size {size:g}, maps x {width:g}", replace(drawn, prediction=sign * size, target=wide)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Maps of other shapes or kinds, or none."""
        maps, prediction = drawn.target["distance"], drawn.prediction
        for words, wrong in {
            "height and width of the maps swapped": maps.transpose(-1, -2),
            "one map for two images": maps[:1],
            "an axis more in the maps": maps.unsqueeze(-1),
            "an axis less in the maps": maps[..., 0],
            "fewer classes in the maps": maps[:, :2],
            "one map for all classes": maps[:, 0],
            "whole numbers as maps": maps.long(),
        }.items():
            yield words, replace(drawn, target={"distance": wrong})
        yield "labels for maps", replace(drawn, target=maps)
        yield "labels without maps", replace(drawn, target={"labels": maps.argmax(1)})
        yield "an integer prediction", replace(drawn, prediction=prediction.long())
        if drawn.kind == "exclusive":
            yield "a single score", replace(drawn, prediction=prediction[:, :1], target={"distance": maps[:, :1]})
        yield "no classes", replace(drawn, prediction=prediction.flatten(), target={"distance": maps.flatten()})

    def of_case(self, case: Case) -> Example:
        """Prediction, maps by name, and call as they stand."""
        return Example(self, "worked", *case.tensors())

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call `loss(prediction, target, **call)`."""
        result: Tensor = loss(drawn.prediction, drawn.target, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Every number by the reference."""
        exclusive, shape = drawn.kind == "exclusive", drawn.prediction.shape
        given = {n: (each.unsqueeze(1) if exclusive else each).expand(shape) for n, each in drawn.call.items()}
        keep = given.get("mask", torch.ones(shape, dtype=torch.bool)).flatten(2).tolist()
        counts = given.get("sample_weight", torch.ones(shape)).flatten(2).tolist()
        maps, probs = drawn.target["distance"].flatten(2).tolist(), probabilities(setting, drawn.prediction)
        hyper = setting.hyper
        chosen = range(shape[1]) if setting.get("classes") == "all" else setting.get("classes")
        class_weight = setting.get("weight") or [1.0] * shape[1]
        costs, counted = [], []
        for image, c, at in product(range(shape[0]), chosen, range(len(maps[0][0]))):
            count = class_weight[c] * counts[image][c][at] if keep[image][c][at] else 0.0
            price = setting.spec.reference(probs[image][c][at], maps[image][c][at], **hyper) if count else 0.0
            costs.append(count * price)
            counted.append(count)
        return averaged(setting, costs, counted, (shape[0], len(chosen), *shape[2:]))

    def _drawn(self, setting: "Setting", kind: str, size: tuple[int, ...], classes: int) -> Example:
        """Draw a batch of N images of a size; class weights say how many classes there are."""
        dice = torch.Generator().manual_seed(7)
        images, *space = size
        shape = (images, len(setting.get("weight") or range(classes)), *space)
        prediction = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
        maps = 5 * torch.randn(shape, generator=dice, dtype=torch.float64)
        return Example(self, kind, prediction, {"distance": maps})
