"""Losses called as `loss(logits, target, logit_lengths, target_lengths, *, sample_weight)`, with lines of text.

The logits [N, T, C] are packed as [N, T * C]: a line is an element. The target holds the arguments by name, and T as
`steps`.
"""

from collections.abc import Iterator, Sequence
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

SIZES: dict[Size, tuple[int, int, int, int]] = {
    "small": (2, 4, 3, 2),
    "usual": (3, 5, 4, 3),
    "large": (67, 31, 41, 11),
}
"""N, T, C, L: few enough paths, C^T, to go through all of them, except the large ones."""


@final
class Lines(Form):
    """Lines as long as there is room and shorter ones, with characters that repeat, and without any."""

    takes = frozenset({"sample_weight"})

    def kinds(self, setting: "Setting") -> list[str]:
        """One kind: lines."""
        return ["lines"]

    def axis(self, kind: str) -> int | None:
        """A line spreads over its steps and their classes."""
        return 1

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw logits and targets; lines are by one step and one character shorter, one after the other."""
        lines, steps, classes, characters = SIZES[size]
        dice = torch.Generator().manual_seed(7)
        logits = 2 * torch.randn((lines, steps, classes), generator=dice, dtype=torch.float64)
        target = torch.randint(classes - 1, (lines, characters), generator=dice)
        target += target >= (setting.get("blank") or 0)
        target[0, 1] = target[0, 0]
        shorter = torch.arange(lines) % characters
        return self._packed(logits, target, steps - shorter, characters - shorter)

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Lines as they come; without characters; with one step too few, if that costs something."""
        drawn = self.example(setting, kind, "usual")
        yield drawn
        lengths = drawn.target["target_lengths"]
        yield replace(drawn, target={**drawn.target, "target_lengths": 0 * lengths})
        yield replace(drawn, target={**drawn.target, "logit_lengths": torch.tensor([3, 1, 0])})

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Logits at random, spelling the target, spelling it one step late, all alike."""
        drawn = self.example(setting, kind, "usual")
        _, steps, classes, _ = SIZES["usual"]
        blank = setting.get("blank") or 0
        spelt = [_spelling(line, steps, blank) for line in self._targets(drawn)]
        right = F.one_hot(torch.tensor(spelt), classes).double() - 0.5
        signs = {
            "mixed": drawn.prediction.sign(),
            "right": right.flatten(1),
            "wrong": right.roll(1, 2).flatten(1),
            "alike": torch.ones_like(drawn.prediction),
        }
        for size in sizes:
            for words, sign in signs.items():
                yield f"{words}, of size {size:g}", replace(drawn, prediction=sign * size)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Axes that are missing or of another length, and dtypes that mean something else."""
        target, few = drawn.target["target"], drawn.target["logit_lengths"][:1]
        yield "logits without classes", replace(drawn, target={**drawn.target, "steps": None})
        yield "integer logits", replace(drawn, prediction=drawn.prediction.long())
        for words, wrong in {
            "one target for all lines": {"target": target[:1]},
            "targets in one row": {"target": target.flatten()},
            "floating targets": {"target": target.double()},
            "bool targets": {"target": target > 0},
            "one length of logits": {"logit_lengths": few},
            "one length of targets": {"target_lengths": few},
            "a length of logits without axes": {"logit_lengths": few[0]},
            "floating lengths": {"target_lengths": drawn.target["target_lengths"].double()},
        }.items():
            yield words, replace(drawn, target={**drawn.target, **wrong})

    def of_case(self, case: Case) -> Example:
        """Logits [N, T, C], the rest by name."""
        logits, target, call = case.tensors()
        return replace(self._packed(logits, **target), kind="worked", call=call)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Unpack and call."""
        given = dict(drawn.target)
        steps = given.pop("steps")
        logits = drawn.prediction if steps is None else drawn.prediction.reshape(len(drawn.prediction), steps, -1)
        result: Tensor = loss(logits, **given, **drawn.call)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Each line by `reference(probs, target, **hyper)`, cut to its lengths, then weighted and averaged."""
        count = drawn.call.get("sample_weight", torch.ones(())).expand(drawn.element_shape).tolist()
        logits = drawn.prediction.detach().reshape(len(count), drawn.target["steps"], -1).tolist()
        hyper = setting.hyper
        costs = []
        for weight, line, length, target in zip(
            count, logits, drawn.target["logit_lengths"].tolist(), self._targets(drawn), strict=True
        ):
            cost = setting.spec.reference([softmax(step) for step in line[:length]], target, **hyper)
            costs.append(weight * cost)
        return averaged(setting, costs, count, (len(costs),))

    def _packed(self, logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor) -> Example:
        """Put the arguments of a call into an example."""
        given = {"target": target, "logit_lengths": logit_lengths, "target_lengths": target_lengths}
        return Example(self, "lines", logits.flatten(1), {**given, "steps": logits.shape[1]})

    def _targets(self, drawn: Example) -> list[list[int]]:
        """Return the characters of each line, cut to its length."""
        lengths = drawn.target["target_lengths"].tolist()
        return [line[:length] for line, length in zip(drawn.target["target"].tolist(), lengths, strict=True)]


def _spelling(target: Sequence[int], steps: int, blank: int) -> list[int]:
    """One path that reads the target: a blank where a character repeats, and blanks to the end."""
    path: list[int] = []
    for character in target:
        path += [blank, character] if path and path[-1] == character else [character]
    return path + [blank] * (steps - len(path))
