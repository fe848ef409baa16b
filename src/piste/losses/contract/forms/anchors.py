"""Losses called as `loss(logits, offsets, labels, target_offsets)`, with scores and offsets for each prior of an image.

Logits [N, P, C] and offsets [N, P, 4] are packed as [N, P, C + 4]. The target holds labels and offsets by name.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.contract.forms.plain import softmax
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, int, int]] = {"small": (2, 5, 2), "usual": (3, 17, 5), "large": (2, 5003, 7)}
"""N, P, C."""


@final
class Anchors(Form):
    """Images with a few objects, with one, and with none; the class 0 is the background."""

    takes = frozenset()

    def kinds(self, setting: "Setting") -> list[str]:
        """One kind: priors with their labels and offsets."""
        return ["anchors"]

    def axis(self, kind: str) -> int | None:
        """A prior spreads over its scores and offsets."""
        return 2

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw scores, offsets and labels: most are background, and the last image has nothing else."""
        images, priors, classes = SIZES[size]
        dice = torch.Generator().manual_seed(7)
        packed = 2 * torch.randn((images, priors, classes + 4), generator=dice, dtype=torch.float64)
        labels = torch.randint(classes, (images, priors), generator=dice)
        labels *= torch.rand((images, priors), generator=dice) < 0.3
        labels[0, 1], labels[-1] = 1, 0
        offsets = 2 * torch.randn((images, priors, 4), generator=dice, dtype=torch.float64)
        return Example(self, kind, packed, {"labels": labels, "target_offsets": offsets})

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Priors as they come; all background; all matched to objects."""
        drawn = self.example(setting, kind, "usual")
        yield drawn
        for label in (0, 1):
            yield replace(drawn, target={**drawn.target, "labels": torch.full_like(drawn.target["labels"], label)})

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Scores and offsets at random, all right, all wrong, of every example."""
        for drawn in self.examples(setting, kind):
            labels, offsets = drawn.target["labels"], drawn.target["target_offsets"]
            right = F.one_hot(labels, drawn.prediction.shape[2] - 4).double() - 0.5
            for size in sizes:
                far = size * offsets.sign()
                for words, packed in {
                    "mixed": size * drawn.prediction.sign(),
                    "right": torch.cat((size * right.sign(), offsets), 2),
                    "wrong": torch.cat((-size * right.sign(), -far), 2),
                }.items():
                    yield f"{words}, of size {size:g}", replace(drawn, prediction=packed)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Axes that are missing or of another length, and dtypes that mean something else."""
        labels, offsets = drawn.target["labels"], drawn.target["target_offsets"]
        yield "an integer prediction", replace(drawn, prediction=drawn.prediction.long())
        yield "one class", replace(drawn, prediction=drawn.prediction[..., -5:])
        yield "an axis less", replace(drawn, prediction=drawn.prediction[0])
        for words, wrong in {
            "labels of one image": {"labels": labels[:1]},
            "labels as floats": {"labels": labels.double()},
            "labels as bool": {"labels": labels > 0},
            "labels with an axis more": {"labels": labels.unsqueeze(2)},
            "offsets of one image": {"target_offsets": offsets[:1]},
            "offsets of fewer priors": {"target_offsets": offsets[:, 1:]},
            "three offsets": {"target_offsets": offsets[..., 1:]},
            "integer offsets": {"target_offsets": offsets.long()},
        }.items():
            yield words, replace(drawn, target={**drawn.target, **wrong})

    def of_case(self, case: Case) -> Example:
        """Logits and offsets packed, the rest by name."""
        prediction, target, call = case.tensors()
        return Example(self, "worked", torch.cat(prediction, 2), target, call)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Unpack and call."""
        result: Tensor = loss(drawn.prediction[..., :-4], drawn.prediction[..., -4:], **drawn.target)
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """The batch by `reference(probs, offsets, labels, target_offsets, **hyper)`, in nested lists."""
        packed = drawn.prediction.detach()
        probs = [[softmax(scores) for scores in image] for image in packed[..., :-4].tolist()]
        target = {name: given.tolist() for name, given in drawn.target.items()}
        hyper = setting.hyper
        cost = setting.spec.reference(probs, packed[..., -4:].tolist(), **target, **hyper)
        return torch.tensor(cost, dtype=torch.float64)
