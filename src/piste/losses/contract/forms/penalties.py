"""Penalties called as `loss(critic, real, fake, *, alpha)`, on the slope of a critic between two images.

Real and fake images are packed into one tensor, [2, N, ...]; beside it stand the shares of the real ones, so that
nothing is left to chance. The critic is one whose slope can be written down, and grows from 0 to beyond 5.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.elements import widen
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, ...]] = {"small": (2, 2, 2, 3), "usual": (2, 5, 2, 3, 4), "large": (2, 2, 1, 307, 311)}


@final
class Penalties(Form):
    """Pairs of images for a critic; the kind is "curved", and "linear" in worked cases, which give its weights."""

    takes = frozenset()

    def kinds(self, setting: "Setting") -> list[str]:
        """A critic whose slope changes from image to image."""
        return ["curved"]

    def axis(self, kind: str) -> int | None:
        """Each number is an element."""
        return None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw images and shares, and rows to look at images with, of which the first sees their first number alone."""
        dice = torch.Generator().manual_seed(7)
        shape = SIZES[size]
        images = torch.randn(shape, generator=dice, dtype=torch.float64)
        share = torch.rand(shape[1], generator=dice, dtype=torch.float64)
        rows = torch.randn((3, *shape[2:]), generator=dice, dtype=torch.float64) / images[0, 0].numel() ** 0.5
        rows[:, *[0] * len(shape[2:])] = 0
        rows[0] = 0
        rows[0, *[0] * len(shape[2:])] = 5
        return Example(self, kind, images, {"alpha": share, "rows": rows})

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Images where the critic is flatter, and where it is steeper."""
        drawn = self.example(setting, kind, "usual")
        for factor in (1.0, 0.05, 20.0):
            yield replace(drawn, prediction=factor * drawn.prediction)

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Far out, where the critic is flat, and where its slope is 1."""
        drawn = self.example(setting, kind, "usual")
        for size in sizes:
            yield f"mixed, of size {size:g}", replace(drawn, prediction=drawn.prediction.sign() * size)
        one = torch.zeros_like(drawn.prediction)
        one[..., 0, 0, 0] = 24**-0.5 / 5  # 5 u / sqrt(1 + u^2) = 1 at u = 1 / sqrt(24)
        yield "of slope 1", replace(drawn, prediction=one)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Images that are none, and shares that are not one an image."""
        share = drawn.target["alpha"]
        yield "integer images", replace(drawn, prediction=drawn.prediction.long())
        yield "images without numbers", replace(drawn, prediction=drawn.prediction.flatten(1)[:, 0])
        for words, wrong in {
            "a share too many": torch.cat((share, share[:1])),
            "one share for all": share[:1],
            "shares with an axis more": share.unsqueeze(1),
            "shares that choose": share > 0.5,
        }.items():
            yield words, replace(drawn, target={**drawn.target, "alpha": wrong})

    def of_case(self, case: Case) -> Example:
        """Real and fake images, and the weights of a linear critic."""
        images, weights, _ = case.tensors()
        share = torch.full((len(images[0]),), 0.25, dtype=torch.float64)
        return Example(self, "linear", torch.stack(images), {"alpha": share, "rows": weights.unsqueeze(0)})

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call the loss with a critic that gives a score for each row."""
        rows = drawn.target["rows"]

        def critic(images: Tensor) -> Tensor:
            images = widen(images)
            seen = (images.unsqueeze(1) * rows.to(images.dtype)).flatten(2).sum(2)
            scores: Tensor = seen if drawn.kind == "linear" else (1 + seen.square()).sqrt()
            return scores

        result: Tensor = loss(critic, *drawn.prediction, alpha=drawn.target["alpha"])
        return result

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Write down the slope at each mix, sum_k row_k t_k / sqrt(1 + t_k^2) with t_k = row_k x, and price it."""
        rows = drawn.target["rows"].flatten(1).tolist()
        slopes = []
        for real, fake, share in zip(
            *drawn.prediction.flatten(2).tolist(), drawn.target["alpha"].tolist(), strict=True
        ):
            x = [share * r + (1 - share) * f for r, f in zip(real, fake, strict=True)]
            seen = [sum(w * each for w, each in zip(row, x, strict=True)) for row in rows]
            rises = [t / sqrt(1 + t**2) for t in seen]
            slopes.append([sum(row[d] * rise for row, rise in zip(rows, rises, strict=True)) for d in range(len(x))])
        hyper = setting.hyper
        return torch.tensor(setting.spec.reference(slopes, **hyper), dtype=torch.float64)
