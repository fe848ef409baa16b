"""Losses called as `loss(predicted, target, *, sample_weight)` with pairs of boxes x1, y1, x2, y2."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import averaged
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, ...]] = {"small": (6,), "usual": (2, 7), "large": (307, 311)}
"""The axes before the four corners."""


@final
class Boxes(Form):
    """Boxes that share much, little or nothing with their targets, and such as have no area."""

    takes = frozenset({"sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """One kind: pairs."""
        return ["boxes"]

    def axis(self, kind: str) -> int | None:
        """A box spreads over its corners."""
        return -1

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw targets, and predictions that miss them a little, by half their size, or altogether."""
        dice = torch.Generator().manual_seed(7)
        shape = SIZES[size]
        centre, drift = (torch.randn((*shape, 2), generator=dice, dtype=torch.float64) for _ in range(2))
        side, stretch = (torch.rand((*shape, 2), generator=dice, dtype=torch.float64) for _ in range(2))
        misses = torch.tensor([0.05, 0.5, 2.0], dtype=torch.float64).repeat(1 + shape[-1] // 3)[: shape[-1], None]
        target = _corners(10 * centre, 1 + 4 * side)
        return Example(self, kind, _corners(10 * centre + 3 * misses * drift, (1 + 4 * side) * (0.5 + stretch)), target)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Pairs at random; then a point, a line and a box, each with each, in one place and in another."""
        yield self.example(setting, kind, "usual")
        shapes = [[2.0, 3.0, 2.0, 3.0], [0.0, 3.0, 4.0, 3.0], [2.0, 0.0, 2.0, 5.0], [1.0, 2.0, 4.0, 4.0]]
        one = torch.tensor(shapes, dtype=torch.float64)
        other = torch.cat((one, one + torch.tensor([0.0, 7.0, 0.0, 7.0])))
        yield Example(self, kind, one[:, None].expand(4, 8, 4), other.expand(4, 8, 4))

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Boxes as large as a size and as far from 0, right, wrong, the wrong way round, and without area."""
        for drawn in self.examples(setting, kind):
            largest = drawn.target.abs().max()
            for size in sizes:
                predicted, target = (size / largest * boxes for boxes in (drawn.prediction, drawn.target))
                for words, boxes in {
                    "mixed": predicted.clamp(-size, size),
                    "right": target,
                    "wrong": _corners(target[..., :2].sign() * -size, 0 * target[..., :2]),
                    "the wrong way round": target[..., [2, 3, 0, 1]],
                    "all in one place": target[..., [0, 1, 0, 1]],
                }.items():
                    yield f"boxes {words}, of size {size:g}", replace(drawn, prediction=boxes, target=target)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Axes that are missing, swapped or would broadcast, and integers."""
        prediction, target = drawn.prediction, drawn.target
        yield "one target for many boxes", replace(drawn, target=target[:1])
        yield "one box for many targets", replace(drawn, prediction=prediction[:1])
        yield "all combinations", replace(drawn, prediction=prediction.unsqueeze(0), target=target.unsqueeze(1))
        yield "three corners", replace(drawn, prediction=prediction[..., :3], target=target[..., :3])
        yield "corners in the first axis", replace(drawn, prediction=prediction.mT, target=target.mT)
        yield "a box without an axis for boxes", replace(drawn, prediction=prediction[0, 0], target=target[0, 0])
        yield "an integer prediction", replace(drawn, prediction=prediction.long())

    def of_case(self, case: Case) -> Example:
        """Boxes and call as they stand."""
        return Example(self, "worked", *case.tensors())

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call `loss(predicted, target, **call)`."""
        result: Tensor = loss(drawn.prediction, drawn.target, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Each box by `reference(predicted, target, **hyper)`, of four floats each, then weighted and averaged.

        Raises:
            ValueError: The corners of a box are the wrong way round, of which the papers say nothing.
        """
        shape = drawn.element_shape
        count = drawn.call.get("sample_weight", torch.ones(())).expand(shape).flatten().tolist()
        hyper = setting.hyper
        costs = []
        for weight, *pair in zip(count, *(boxes.reshape(-1, 4).tolist() for boxes in _both(drawn)), strict=True):
            if any(box[0] > box[2] or box[1] > box[3] for box in pair):
                raise ValueError("a box is the wrong way round")
            costs.append(weight * setting.spec.reference(*pair, **hyper))
        return averaged(setting, costs, count, shape)


def _both(drawn: Example) -> tuple[Tensor, Tensor]:
    """Return predicted and true boxes."""
    return drawn.prediction.detach(), drawn.target


def _corners(centre: Tensor, side: Tensor) -> Tensor:
    """Give boxes by centre and sides as x1, y1, x2, y2."""
    return torch.cat((centre - side / 2, centre + side / 2), -1)
