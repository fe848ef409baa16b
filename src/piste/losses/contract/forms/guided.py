"""Losses called as `loss(logits, {"image": images}, *, mask, sample_weight)`, of edges in an image of two axes.

The reference prices one class of one image: `reference(places, probs, image, element_weight, **hyper)`, with the
coordinates of each pixel and a list for it in each of the others, the image in grey. Averages are as in `Spatial`.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.forms.elements import MANY
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.spatial import Places, mean_over_units
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, ...]] = {"small": (2, 3, 4), "usual": (2, 7, 5), "large": (1, 307, 311)}
"""N, H, W."""


@final
class Guided(Form):
    """Logits and the image they were made of: in colour with exclusive classes, in grey with independent ones."""

    takes = frozenset({"mask", "sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """The one that goes with the activation."""
        return ["exclusive" if setting.activation == "softmax" else "independent"]

    def axis(self, kind: str) -> int | None:
        """With exclusive classes an element spreads over their axis."""
        return 1 if kind == "exclusive" else None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits and an image."""
        return self._drawn(setting, kind, SIZES[size], 2 if size == "small" else 3)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Many classes, then a blank image."""
        drawn = self._drawn(setting, kind, SIZES["usual"], MANY)
        yield drawn
        yield replace(drawn, target={"image": torch.full_like(drawn.target["image"], 0.5)})

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits at random, in stripes along and across those of the image, and all alike."""
        drawn = self.example(setting, kind, "usual")
        rows, columns = (torch.arange(size, dtype=torch.float64) // 2 % 2 for size in drawn.prediction.shape[2:])
        down, across = rows.view(-1, 1).expand(7, 5), columns.expand(7, 5)
        order = torch.arange(drawn.prediction.shape[1]).view(-1, 1, 1) % 2
        signs = {
            "mixed": drawn.prediction.sign(),
            "along": (2 * down - 1) * (1 - 2 * order).expand(2, -1, 7, 5),
            "across": (2 * across - 1) * (1 - 2 * order).expand(2, -1, 7, 5),
            "alike": torch.ones_like(drawn.prediction),
        }
        striped = {"image": down.expand_as(drawn.target["image"])}
        for size, (words, sign) in product(sizes, signs.items()):
            yield f"{words}, of size {size:g}", replace(drawn, prediction=sign * size, target=striped)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Images of other shapes or kinds, or none."""
        image, prediction = drawn.target["image"], drawn.prediction
        for words, wrong in {
            "height and width of the image swapped": image.transpose(-1, -2),
            "one image for two": image[:1],
            "an axis more in the image": image.unsqueeze(-1),
            "an axis less in the image": image[:, 0],
            "an image of two channels": image[:, :1].expand(-1, 2, -1, -1),
            "an image of bytes": image.to(torch.uint8),
        }.items():
            yield words, replace(drawn, target={"image": wrong})
        yield "no name for the image", replace(drawn, target=image)
        yield "labels without an image", replace(drawn, target={"labels": prediction.argmax(1)})
        yield "an integer prediction", replace(drawn, prediction=prediction.long())
        yield "a line of pixels", replace(drawn, prediction=prediction[..., 0], target={"image": image[..., 0]})
        small = {"image": image[..., :2, :2]}
        yield "less than three pixels", replace(drawn, prediction=prediction[..., :2, :2], target=small)
        if drawn.kind == "exclusive":
            yield "a single score", replace(drawn, prediction=prediction[:, :1])

    def of_case(self, case: Case) -> Example:
        """Prediction, image by name, and call as they stand."""
        return Example(self, "worked", *case.tensors())

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call `loss(prediction, target, **call)`."""
        result: Tensor = loss(drawn.prediction, drawn.target, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Each class of each image by the reference."""
        hyper = setting.hyper

        def price(places: Places, probs: list[float], weights: list[float], image: int, c: int) -> float:
            channels = drawn.target["image"][image].flatten(1).tolist()
            grey = [sum(pixel) / len(pixel) for pixel in zip(*channels, strict=True)]
            return setting.spec.reference(places, probs, grey, weights, **hyper)

        return mean_over_units(setting, drawn, torch.ones(drawn.prediction.shape, dtype=torch.bool), price)

    def _drawn(self, setting: "Setting", kind: str, size: tuple[int, ...], classes: int) -> Example:
        """Draw a batch of N images of a size; class weights say how many classes there are."""
        dice = torch.Generator().manual_seed(7)
        images, *space = size
        chosen = setting.get("classes")
        classes = max(classes, 0 if chosen in ("all", None) else max(chosen) + 1)
        shape = (images, len(setting.get("weight") or range(classes)), *space)
        prediction = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
        channels = 3 if kind == "exclusive" else 1
        image = torch.rand((images, channels, *space), generator=dice, dtype=torch.float64)
        return Example(self, kind, prediction, {"image": image})
