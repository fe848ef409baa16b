"""Wasserstein loss: the critic pays mean f(fake) - mean f(real), the generator -mean f(fake)."""

from statistics import fmean

from torch import Tensor

from piste.losses.adversarial.base import AdversarialLoss, mean
from piste.losses.spec import Case, loss


def as_printed(player: str, real: list[float], fake: list[float]) -> float:
    """The critic's or the generator's loss."""
    return fmean(fake) - fmean(real) if player == "discriminator" else -fmean(fake)


@loss(
    tasks=("generation", "restoration"),
    source="Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and algorithm 1",
    value_range=(-float("inf"), float("inf")),
    tendency="neither",
    reference=as_printed,
    call="players",
    cases=(
        Case({}, ([3.0], [1.0, -2.0]), None, -3.5, "the mean of 1 and -2, less 3"),
        Case({}, [1.0, -2.0], None, 0.5, "the generator: minus the mean of 1 and -2"),
    ),
)
class Wasserstein(AdversarialLoss):
    """Wasserstein GAN loss: the critic estimates a distance, and its loss tells how far training has come.

    That holds only for a critic whose slope is bounded: add `GradientPenalty`, or clip its weights to 0.01 after each
    step as the paper does. Train the critic several steps for each of the generator's (the paper: 5). It has no
    keywords.

    Called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with the critic's raw scores; see
    `AdversarialLoss`. Minus the critic's loss estimates the distance.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and algorithm 1.

    Example:
        >>> import torch
        >>> Wasserstein().discriminator(torch.tensor([3.0]), torch.tensor([1.0]))
        tensor(-2.)
    """

    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average -f over real images."""
        return -mean(score)

    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average f over generated images."""
        return mean(score)

    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average -f over the generator's images."""
        return -mean(score)
