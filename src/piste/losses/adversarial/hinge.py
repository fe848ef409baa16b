"""Hinge loss: the critic pays max(0, 1 - f(real)) + max(0, 1 + f(fake)), the generator -f(fake)."""

from statistics import fmean

from torch import Tensor

from piste.losses.adversarial.base import AdversarialLoss, mean
from piste.losses.spec import Case, loss


def as_printed(player: str, real: list[float], fake: list[float]) -> float:
    """The critic's or the generator's loss."""
    if player == "discriminator":
        return fmean(max(0.0, 1 - score) for score in real) + fmean(max(0.0, 1 + score) for score in fake)
    return -fmean(fake)


@loss(
    tasks=("generation", "restoration"),
    source="Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957",
    value_range=(-float("inf"), float("inf")),
    tendency="neither",
    reference=as_printed,
    call="players",
    cases=(
        Case({}, ([0.25], [0.5, -3.0]), None, 1.5, "the real one lacks 3/4; the fake ones are 3/2 and 0 too high"),
        Case({}, ([2.0], [-2.0]), None, 0.0, "both are past their margins"),
        Case({}, [0.5, -3.0], None, 1.25, "the generator: minus the mean of 1/2 and -3"),
    ),
)
class Hinge(AdversarialLoss):
    """Hinge GAN loss: the critic stops at a margin of 1 on either side, and the generator climbs its score.

    What is classified by the margin has no more slope, so that the critic works on what is undecided. The margin is
    in raw scores: a tanh at the end of the critic would keep it out of reach. It has no keywords.

    Called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with the critic's raw scores; see
    `AdversarialLoss`.

    Source: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957.

    Example:
        >>> import torch
        >>> Hinge().discriminator(torch.tensor([2.0, 0.5]), torch.tensor([-1.0]))
        tensor(0.2500)
    """

    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average what real images lack to 1."""
        return mean(score, _lack)

    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average how far generated images are above -1."""
        return mean(score, _excess)

    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average -f over the generator's images."""
        return -mean(score)


def _lack(score: Tensor) -> tuple[Tensor, Tensor]:
    """What each score lacks to 1, and its derivative: -1 where there is a lack."""
    lack = (1 - score).relu()
    return lack, -lack.sign()


def _excess(score: Tensor) -> tuple[Tensor, Tensor]:
    """How far each score is above -1, and its derivative: 1 where it is."""
    excess = (1 + score).relu()
    return excess, excess.sign()
