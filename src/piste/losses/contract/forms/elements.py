"""Losses called as `loss(prediction, target, *, mask, sample_weight)`, with a target for each element.

With three classes the logits are [2, 3, 7, 5], in which no two axes can be confused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import plain_value
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

MANY = 11
SIZES: dict[Size, tuple[int, ...]] = {"small": (2, 5), "usual": (2, 7, 5), "large": (1, 307, 311)}
"""N, *S."""


@final
class Elements(Form):
    """Logits and labels, or values against values.

    Kinds are "index", "soft", "labels" (shares in [0, 1]), "hard" (labels 0 and 1 as integers) and "values".
    """

    takes = frozenset({"mask", "sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """Kinds of target."""
        if setting.activation is None:
            return ["values"]
        if setting.activation == "sigmoid":
            kinds = ["hard", "labels"]
        else:
            kinds = [kind for kind in ("index", "soft") if kind in setting.spec.targets]
        return [kind for kind in kinds if kind in ("index", "hard") or setting.get("ignore_index") is None]

    def axis(self, kind: str) -> int | None:
        """With exclusive classes an element spreads over their axis."""
        return 1 if kind in ("index", "soft") else None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits (or values) and a target; some targets are the setting's ignore_index."""
        return self._drawn(setting, kind, SIZES[size], 3)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Many classes: all of them there, then one nowhere."""
        drawn = self._drawn(setting, kind, SIZES["usual"], MANY)
        yield drawn
        yield _sparse(drawn)

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits (or values) at random, all right, all wrong, all alike."""
        drawn = self.example(setting, kind, "usual")
        prediction, target = drawn.prediction, drawn.target
        if kind == "index":
            known = target.where(target < prediction.shape[1], 0)
            right = F.one_hot(known, prediction.shape[1]).movedim(-1, 1) - 0.5
        else:
            right = target - (0.0 if kind == "values" else 0.5)
        wrong = right.roll(1, 1) if kind == "index" else -right
        signs = {"mixed": prediction.sign(), "right": right.sign(), "wrong": wrong.sign()}
        for size in sizes:
            for words, sign in signs.items():
                yield f"{words}, of size {size:g}", replace(drawn, prediction=sign.double() * size)
        ahead = torch.zeros_like(prediction).index_fill(1, torch.tensor(0), 1e4)
        yield "those of one class far ahead everywhere", replace(drawn, prediction=ahead)
        if kind == "values":
            yield "exactly the target", replace(drawn, prediction=target.clone())

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Swapped, missing and repeated axes, and dtypes that mean something else."""
        prediction, target = drawn.prediction, drawn.target
        yield "height and width of the target swapped", replace(drawn, target=target.transpose(-1, -2))
        yield "one target for two images", replace(drawn, target=target[:1])
        yield "an axis more in the target", replace(drawn, target=target.unsqueeze(-1))
        yield "an axis less in the target", replace(drawn, target=target[..., 0])
        yield "an integer prediction", replace(drawn, prediction=prediction.long())
        if drawn.kind != "values":
            flat = replace(drawn, prediction=prediction.flatten(), target=target.flatten())
            yield "a prediction without classes", flat
        if drawn.kind in ("index", "soft"):
            yield "a single score per position", replace(drawn, prediction=prediction[:, :1])
        if drawn.kind == "index":
            yield "class ids as floats", replace(drawn, target=target.double())
            yield "class ids as bool", replace(drawn, target=target > 0)
            yield "class ids repeated per class", replace(drawn, target=target.unsqueeze(1).expand_as(prediction))
            yield "class ids with an axis for one class", replace(drawn, target=target.unsqueeze(1))
        else:
            yield "fewer classes in the target", replace(drawn, target=target[:, :2])
            yield "a target without classes", replace(drawn, target=target[:, 0])

    def of_case(self, case: Case) -> Example:
        """Prediction, target and call as they stand."""
        return Example(self, "worked", *case.tensors())

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call `loss(prediction, target, **call)`."""
        result: Tensor = loss(drawn.prediction, drawn.target, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Every element, class or batch by the reference."""
        return plain_value(setting, drawn.prediction, drawn.target, **drawn.call)

    def _drawn(self, setting: "Setting", kind: str, size: Sequence[int], classes: int) -> Example:
        """Draw a batch of N images of a size; keywords that are lists say how many classes there are."""
        dice = torch.Generator().manual_seed(7)
        images, *space = size
        lengths = [len(v) for k in setting.keywords if isinstance(v := setting.get(k), list) and k != "classes"]
        shape = (images, lengths[0] if lengths else classes, *space)
        prediction = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
        other = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
        target = {
            "index": lambda: other.argmax(1),
            "soft": lambda: other.softmax(1),
            "hard": lambda: (other > 1).long(),
            "labels": lambda: other.sigmoid(),
            "values": lambda: other,
        }[kind]()
        ignored = setting.get("ignore_index")
        if ignored is not None:
            target[torch.rand(target.shape, generator=dice) < 0.3] = ignored
        return Example(self, kind, prediction, target)


def _sparse(drawn: Example) -> Example:
    """Leave class 1 without any element, and the first image without any but those of class 0."""
    target = drawn.target.clone()
    if drawn.kind == "index":
        target[target == 1] = 0
        target[0][target[0] < drawn.prediction.shape[1]] = 0
    elif drawn.kind == "soft":
        target[:, 0] += target[:, 1]
        target[:, 1] = 0
        target[0] = F.one_hot(torch.zeros_like(target[0, 0]).long(), len(target[0])).movedim(-1, 0)
    elif drawn.kind != "values":
        target[:, 1][target[:, 1] <= 1] = 0
        target[0][target[0] <= 1] = 0
    return replace(drawn, target=target)
