"""Losses called as `loss(logits, target, *, iou, mask, sample_weight)`, with the IoU of each box beside its label.

The target holds the labels and the IoU by name.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import averaged, softmax
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, ...]] = {"small": (7, 3), "usual": (2, 3, 11), "large": (1, 3, 307, 311)}
"""N, C, *S."""


@final
class Scored(Form):
    """Boxes with exclusive classes, of which 0 is the background, or with independent labels."""

    takes = frozenset({"mask", "sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """Class ids with softmax, labels with sigmoid."""
        return ["index" if setting.get("activation") == "softmax" else "hard"]

    def axis(self, kind: str) -> int | None:
        """With exclusive classes a box spreads over their axis."""
        return 1 if kind == "index" else None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits, labels and IoU, of which some are 0."""
        dice = torch.Generator().manual_seed(7)
        prediction, other = (2 * torch.randn(SIZES[size], generator=dice, dtype=torch.float64) for _ in range(2))
        iou = 1.3 * torch.rand(other[:, 0].shape, generator=dice, dtype=torch.float64) - 0.3
        target = other.argmax(1) if kind == "index" else (other > 1).long()
        return Example(self, kind, prediction, {"target": target, "iou": iou.clamp(min=0)})

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Boxes as they come; no positives; positives that share nothing with their truth."""
        drawn = self.example(setting, kind, "usual")
        yield drawn
        for name in ("target", "iou"):
            yield replace(drawn, target={**drawn.target, name: 0 * drawn.target[name]})

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits at random, all right, all wrong, of every example."""
        for drawn in self.examples(setting, kind):
            target = drawn.target["target"]
            shares = F.one_hot(target, drawn.prediction.shape[1]).movedim(-1, 1) if kind == "index" else target
            right = shares.double() - 0.5
            signs = {"mixed": drawn.prediction.sign(), "right": right.sign(), "wrong": -right.sign()}
            for size in sizes:
                for words, sign in signs.items():
                    yield f"{words}, of size {size:g}", replace(drawn, prediction=size * sign)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Axes that are missing or repeated, and dtypes that mean something else."""
        target, iou = drawn.target["target"], drawn.target["iou"]
        yield "an integer prediction", replace(drawn, prediction=drawn.prediction.long())
        wrong = {
            "one target for two images": {"target": target[:1]},
            "an axis more in the target": {"target": target.unsqueeze(-1)},
            "one IoU for two images": {"iou": iou[:1]},
            "an IoU per class": {"iou": iou.unsqueeze(1)},
            "an axis less in the IoU": {"iou": iou[..., 0]},
        }
        if drawn.kind == "index":
            wrong["class ids as floats"] = {"target": target.double()}
            wrong["a probability per class"] = {"target": drawn.prediction.softmax(1)}
        for words, given in wrong.items():
            yield words, replace(drawn, target={**drawn.target, **given})

    def of_case(self, case: Case) -> Example:
        """Logits, the rest by name."""
        prediction, target, call = case.tensors()
        kind = "hard" if case.arguments.get("activation") == "sigmoid" else "index"
        return Example(self, kind, prediction, target, call)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call by name."""
        result: Tensor = loss(drawn.prediction, **drawn.target, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Each element by `reference(at, probs, positive, iou, element_weight, **hyper)`: lists over the batch."""
        shape, classes = drawn.element_shape, drawn.prediction.shape[1]
        logits, target, iou = drawn.prediction.detach(), drawn.target["target"], drawn.target["iou"]
        if drawn.kind == "index":
            rows = zip(logits.movedim(1, -1).reshape(-1, classes).tolist(), target.flatten().tolist(), strict=True)
            probs = [softmax(row)[truth] for row, truth in rows]
        else:
            pairs = zip(logits.flatten().tolist(), target.flatten().tolist(), strict=True)
            probs = [softmax([0.0, score])[truth] for score, truth in pairs]
            iou = iou.unsqueeze(1)
        ones = torch.ones((), dtype=torch.float64)
        mask, weight = drawn.call.get("mask", ones > 0), drawn.call.get("sample_weight", ones)
        count = (mask * weight).expand(shape).flatten().tolist()
        lists = probs, (target > 0).flatten().tolist(), iou.expand(shape).flatten().tolist(), count
        costs = [w and w * setting.spec.reference(at, *lists, setting.get("eta")) for at, w in enumerate(count)]
        return averaged(setting, costs, count, shape)
