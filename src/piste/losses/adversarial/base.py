"""The base of adversarial losses: what two players pay for the critic's raw scores, each score on its own."""

from abc import abstractmethod
from typing import Any, NoReturn

from torch import Tensor

from piste.losses.base import Loss, reduce
from piste.losses.elements import widen


class AdversarialLoss(Loss):
    """A game of two players over the raw scores of one critic, high for what it takes to be real.

    `loss.discriminator(real, fake)` is what the critic minimises, given its scores of real and of generated images:
    the mean price of the real ones plus the mean price of the fake ones. `loss.generator(fake)` is what the generator
    minimises, given the scores of its images. Both give a 0-d tensor.

    Scores may have any shape, [N], [N, 1] or [N, 1, H, W] of a critic that looks at patches, and real and fake may
    differ in number. They are raw: no sigmoid and no tanh at the end of the critic, whatever the loss. Each mean is
    over all scores alike; no score at all costs 0. In the critic's step, score `images.detach()`, so that no gradient
    is computed for the generator.
    """

    def __init__(self) -> None:
        super().__init__()

    @abstractmethod
    def price_of_real(self, score: Tensor) -> Tensor:
        """Price each score of a real image, for the critic."""

    @abstractmethod
    def price_of_fake(self, score: Tensor) -> Tensor:
        """Price each score of a generated image, for the critic."""

    @abstractmethod
    def price_of_failure(self, score: Tensor) -> Tensor:
        """Price each score of a generated image, for the generator, which wants it high."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises.

        Args:
            real: Its raw scores of real images, of any shape.
            fake: Its raw scores of generated images, of any shape.

        Raises:
            ValueError: Scores are not floating.
        """
        prices = self.price_of_real(_raw("real", real)), self.price_of_fake(_raw("fake", fake))
        return reduce(prices[0], None, "mean") + reduce(prices[1], None, "mean")

    def generator(self, fake: Tensor) -> Tensor:
        """What the generator minimises.

        Args:
            fake: The critic's raw scores of generated images, of any shape.

        Raises:
            ValueError: Scores are not floating.
        """
        return reduce(self.price_of_failure(_raw("fake", fake)), None, "mean")

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a call, which does not say whose loss is meant."""
        name = type(self).__name__
        raise ValueError(
            f"`{name}` is a game of two players and cannot be called: use .discriminator(real, fake) for the critic "
            "and .generator(fake) for the generator."
        )


def _raw(name: str, scores: Tensor) -> Tensor:
    """The scores in float32 or wider.

    Raises:
        ValueError: They are not floating.
    """
    if not scores.is_floating_point():
        raise ValueError(f"`{name}` must be raw scores of the critic, floating; got {scores.dtype}.")
    return widen(scores)
