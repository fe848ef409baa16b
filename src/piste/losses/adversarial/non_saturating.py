"""Non-saturating loss: the critic pays -log D(real) - log(1 - D(fake)), the generator -log D(fake).

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
    return -fmean(log(_sigmoid(score)) for score in fake)


def _sigmoid(score: float) -> float:
    return 1 / (1 + exp(-score))


@loss(
    tasks=("generation", "restoration"),
    source="Goodfellow et al. 2014, arXiv:1406.2661, section 3",
    value_range=(0.0, float("inf")),
    tendency="neither",
    reference=as_printed,
    call="players",
    cases=(
        Case({}, ([log(3)], [0.0]), None, log(4 / 3) + log(2), "D is 3/4 of the real and 1/2 of the fake one"),
        Case({}, [log(3), 0.0], None, (log(4 / 3) + log(2)) / 2, "the generator: (-ln 3/4 - ln 1/2) / 2"),
    ),
)
class NonSaturating(AdversarialLoss):
    """Non-saturating GAN loss: the generator raises log D, and learns most where the critic sees through it.

    The critic's loss is that of `Minimax`, and both have the same fixed point. Given equal budgets for tuning, no
    other loss has been shown to beat it consistently (Lucic et al. 2018). It has no keywords.

    Called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with the critic's raw scores; see
    `AdversarialLoss`.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Example:
        >>> import torch
        >>> NonSaturating().generator(torch.tensor([-20.0]))
        tensor(20.)
    """

    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average -log D over real images."""
        return mean(score, surprise.at_real)

    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average -log(1 - D) over generated images."""
        return mean(score, surprise.at_fake)

    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average -log D over the generator's images."""
        return mean(score, surprise.at_real)
