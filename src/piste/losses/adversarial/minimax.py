"""Minimax loss: the critic pays -log D(real) - log(1 - D(fake)), the generator log(1 - D(fake)).

D is the sigmoid of the score.
"""

from math import exp, log
from statistics import fmean

from torch import Tensor

from piste.losses.adversarial import surprise
from piste.losses.adversarial.base import AdversarialLoss, mean
from piste.losses.spec import Case, loss


def as_printed(player: str, real: list[float], fake: list[float]) -> float:
    """The critic's or the generator's loss."""
    if player == "discriminator":
        return -fmean(log(_sigmoid(score)) for score in real) - fmean(log(1 - _sigmoid(score)) for score in fake)
    return fmean(log(1 - _sigmoid(score)) for score in fake)


def _sigmoid(score: float) -> float:
    return 1 / (1 + exp(-score))


@loss(
    tasks=("generation", "restoration"),
    source="Goodfellow et al. 2014, arXiv:1406.2661, eq. 1",
    value_range=(-float("inf"), float("inf")),
    tendency="neither",
    reference=as_printed,
    call="players",
    cases=(
        Case({}, ([log(3)], [0.0]), None, log(4 / 3) + log(2), "D is 3/4 of the real and 1/2 of the fake one"),
        Case(
            {}, ([log(3)], [log(3), 0.0]), None, log(4 / 3) + (log(4) + log(2)) / 2, "-ln 3/4 - (ln 1/4 + ln 1/2) / 2"
        ),
        Case({}, [log(3), 0.0], None, (log(1 / 4) + log(1 / 2)) / 2, "the generator: (ln 1/4 + ln 1/2) / 2"),
    ),
)
class Minimax(AdversarialLoss):
    """Minimax GAN loss: the generator gains exactly what the critic loses on its images.

    Where the critic is sure of an image, the generator's slope vanishes, which is when it needs one most:
    `NonSaturating` is the remedy, by the same authors. It has no keywords.

    Called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with the critic's raw scores; see
    `AdversarialLoss`.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.

    Example:
        >>> import torch
        >>> Minimax().discriminator(torch.zeros(4), torch.zeros(4))
        tensor(1.3863)
    """

    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average -log D over real images."""
        return mean(score, surprise.at_real)

    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average -log(1 - D) over generated images."""
        return mean(score, surprise.at_fake)

    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average log(1 - D) over the generator's images."""
        return -mean(score, surprise.at_fake)
