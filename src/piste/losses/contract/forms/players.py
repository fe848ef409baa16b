"""Losses called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with raw scores.

Scores [N, 1, H, W] are those of a critic that looks at patches. For the discriminator those of real and of fake images
stand in one tensor, the real ones first and, of an odd number, fewer: so both gradients are tried.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, cast, final

import torch
from torch import Tensor

from piste.losses.adversarial.base import AdversarialLoss
from piste.losses.base import Loss
from piste.losses.contract.forms.form import Example, Form, Size
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

SIZES: dict[Size, tuple[int, ...]] = {"small": (5, 1, 3, 2), "usual": (5, 1, 7, 3), "large": (3, 1, 307, 311)}


@final
class Players(Form):
    """Scores for the one player or the other: kinds are "discriminator" and "generator"."""

    takes = frozenset()

    def kinds(self, setting: "Setting") -> list[str]:
        """Both players, whatever the setting."""
        return ["discriminator", "generator"]

    def axis(self, kind: str) -> int | None:
        """Each score is an element."""
        return None

    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw scores on both sides of 0 and of every margin."""
        dice = torch.Generator().manual_seed(7)
        return Example(self, kind, 2 * torch.randn(SIZES[size], generator=dice, dtype=torch.float64))

    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Scores of undecided and of decided critics, and one score for each image."""
        drawn = self.example(setting, kind, "usual")
        for scores in (drawn.prediction, drawn.prediction / 10, drawn.prediction * 5, drawn.prediction[:, 0, 0, 0]):
            yield replace(drawn, prediction=scores)

    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Sure and what the player wants, sure and what it dreads, or mixed; at 1 too, where margins and labels are."""
        drawn = self.example(setting, kind, "usual")
        right = torch.ones_like(drawn.prediction)
        if kind == "discriminator":
            right[_reals(right) :] = -1
        for size in (1.0, *sizes):
            for words, sign in {"mixed": drawn.prediction.sign(), "right": right, "wrong": -right}.items():
                yield f"{words}, of size {size:g}", replace(drawn, prediction=sign * size)

    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Scores that are none."""
        yield "integer scores", replace(drawn, prediction=drawn.prediction.long())
        yield "decisions for scores", replace(drawn, prediction=drawn.prediction > 0)

    def of_case(self, case: Case) -> Example:
        """A pair of scores, (real, fake), is the discriminator's; one list of them the generator's."""
        scores, _, _ = case.tensors()
        if isinstance(scores, Tensor):
            return Example(self, "generator", scores)
        packed = torch.cat(scores)
        assert len(scores[0]) == _reals(packed), "as many real scores as fake ones, or one less"
        return Example(self, "discriminator", packed)

    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call the method of the player."""
        game = cast(AdversarialLoss, loss)
        if drawn.kind == "generator":
            return game.generator(drawn.prediction)
        cut = _reals(drawn.prediction)
        return game.discriminator(drawn.prediction[:cut], drawn.prediction[cut:])

    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """Both players' losses by `reference(player, real, fake, **hyper)`; the generator sees no real scores."""
        cut = _reals(drawn.prediction) if drawn.kind == "discriminator" else 0
        real, fake = (scores.flatten().tolist() for scores in (drawn.prediction[:cut], drawn.prediction[cut:]))
        hyper = setting.hyper
        try:
            return torch.tensor(setting.spec.reference(drawn.kind, real, fake, **hyper), dtype=torch.float64)
        except OverflowError as error:  # exp(-score) of a very low score
            raise ValueError(str(error)) from error


def _reals(scores: Tensor) -> int:
    """How many of the packed scores are those of real images."""
    return len(scores) // 2
