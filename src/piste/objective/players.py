"""Players: who pays for a loss, the model, or the discriminator that is trained against it.

An ordinary loss is the model's. An adversarial one is a game: the model pays the generator's price of it, the
discriminator its own. A gradient penalty is the discriminator's alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, final

from torch import Tensor

from piste.losses.adversarial.base import AdversarialLoss
from piste.losses.adversarial.gradient_penalty import GradientPenalty

Critic = Callable[[Tensor], Tensor]
"""From images [N, ...] to raw scores, high for what it takes to be real."""

Game = Literal["none", "both", "discriminator"]
"""Whether a loss is the model's alone, a game of both players, or the discriminator's alone."""

FAKE_SCORES = "fake_scores"
"""By this name an objective's target holds the discriminator's scores of what the model made."""


def game_of(loss: Callable[..., Any]) -> Game:
    """Who pays for a loss."""
    if isinstance(loss, GradientPenalty):
        return "discriminator"
    return "both" if isinstance(loss, AdversarialLoss) else "none"


@final
class GeneratorPrice:
    """What the model pays for an adversarial loss, called as every loss is.

    Args:
        loss: The game.
    """

    reads = (FAKE_SCORES,)

    def __init__(self, loss: AdversarialLoss) -> None:
        self.loss = loss

    def __call__(self, prediction: Tensor, target: Tensor | Mapping[str, Tensor]) -> Tensor:
        """The generator's loss at the scores that stand beside the labels.

        Raises:
            ValueError: No scores are there.
        """
        if not isinstance(target, Mapping):
            raise ValueError(
                f"an adversarial loss reads the discriminator's scores: give {{'labels': …, {FAKE_SCORES!r}: …}} as "
                "`target`; got a tensor."
            )
        return self.loss.generator(target[FAKE_SCORES])


def price_for_model(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """What the model pays for a loss: a function that is called as every loss is."""
    return GeneratorPrice(loss) if isinstance(loss, AdversarialLoss) else loss


@dataclass(frozen=True)
class Match:
    """What the discriminator is asked in one of its steps.

    Args:
        critic: The discriminator.
        real: Real images, [N, ...].
        fake: What the model made, [N, ...]; no gradient reaches the model.
        real_scores: Its scores of the real ones.
        fake_scores: Its scores of the others.
    """

    critic: Critic
    real: Tensor
    fake: Tensor
    real_scores: Tensor
    fake_scores: Tensor

    @classmethod
    def of(cls, critic: Critic, real: Tensor, fake: Tensor) -> Self:
        """Real images and the model's, shown to a discriminator."""
        fake = fake.detach()
        return cls(critic, real, fake, critic(real), critic(fake))

    def price(self, loss: Callable[..., Any]) -> Tensor:
        """What the discriminator pays for a loss."""
        if isinstance(loss, AdversarialLoss):
            return loss.discriminator(self.real_scores, self.fake_scores)
        price: Tensor = loss(self.critic, self.real, self.fake)
        return price
