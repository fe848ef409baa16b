"""The base of adversarial losses: what two players pay for the critic's raw scores, each score on its own."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NoReturn

from torch import Tensor

from piste.losses.base import Loss, reduce
from piste.losses.blocks import reduce_in_blocks
from piste.losses.elements import widen

Price = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Scores -> the price of each, by operations that autograd can differentiate, and its derivative, both new tensors."""


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
    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average what the critic pays for scores of real images."""

    @abstractmethod
    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average what the critic pays for scores of generated images."""

    @abstractmethod
    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average what the generator pays for scores of its images, which it wants high."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises.

        Args:
            real: Its raw scores of real images, of any shape.
            fake: Its raw scores of generated images, of any shape.

        Raises:
            ValueError: Scores are not floating.
        """
        return self.cost_of_real(_raw("real", real)) + self.cost_of_fake(_raw("fake", fake))

    def generator(self, fake: Tensor) -> Tensor:
        """What the generator minimises.

        Args:
            fake: The critic's raw scores of generated images, of any shape.

        Raises:
            ValueError: Scores are not floating.
        """
        return self.cost_of_failure(_raw("fake", fake))

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a call, which does not say whose loss is meant."""
        name = type(self).__name__
        raise ValueError(
            f"`{name}` is a game of two players and cannot be called: use .discriminator(real, fake) for the critic "
            "and .generator(fake) for the generator."
        )


def mean(score: Tensor, price: Price | None = None) -> Tensor:
    """The mean price of scores, or the mean of scores that are their own price; 0 if there are none."""
    if price is None:
        return reduce(score, None, "mean")
    return reduce_in_blocks(lambda x: price(x)[0], score, count=None, reduction="mean", priced=price)


def _raw(name: str, scores: Tensor) -> Tensor:
    """The scores in float32 or wider.

    Raises:
        ValueError: They are not floating.
    """
    if not scores.is_floating_point():
        raise ValueError(f"`{name}` must be raw scores of the critic, floating; got {scores.dtype}.")
    return widen(scores)
