"""Least-squares loss: the critic pays (D(real) - b)^2 / 2 + (D(fake) - a)^2 / 2, the generator (D(fake) - c)^2 / 2."""

from statistics import fmean

from torch import Tensor

from piste.losses.adversarial.base import AdversarialLoss, Price, mean
from piste.losses.arguments import number
from piste.losses.spec import Case, Choice, loss


def as_printed(player: str, real: list[float], fake: list[float], a: float, b: float, c: float) -> float:
    """The critic's or the generator's loss."""
    if player == "discriminator":
        return fmean((score - b) ** 2 for score in real) / 2 + fmean((score - a) ** 2 for score in fake) / 2
    return fmean((score - c) ** 2 for score in fake) / 2


@loss(
    tasks=("generation", "restoration"),
    source="Mao et al. 2017, arXiv:1611.04076, eq. 2",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"c": Choice(0.0, 1.0)},
    reference=as_printed,
    variants=({"a": -1.0, "b": 1.0, "c": 0.0}, {"b": 0.9, "c": 0.9}),
    call="players",
    cases=(
        Case({}, ([3.0], [1.0, -2.0]), None, 2 + 5 / 4, "real: (3 - 1)^2 / 2; fake, wanted at 0: (1/2 + 4/2) / 2"),
        Case({}, [1.0, -2.0], None, 9 / 4, "the generator wants 1: (0 + 9/2) / 2"),
        Case({"a": -1.0, "b": 1.0, "c": 0.0}, ([3.0], [1.0]), None, 4.0, "(3 - 1)^2 / 2 + (1 + 1)^2 / 2"),
        Case({"a": -1.0, "b": 1.0, "c": 0.0}, [1.0], None, 0.5, "the generator wants 0: 1/2"),
    ),
)
class LeastSquares(AdversarialLoss):
    """Least-squares GAN loss: scores are pulled to labels, and also an image on the right side is pulled closer.

    With a = 0, b = c = 1, the default, labels are 0 and 1; with a = -1, b = 1, c = 0 the generator minimises a Pearson
    chi-squared divergence. The paper finds that both work alike. The critic ends linearly, without a sigmoid.

    Called as `loss.discriminator(real, fake)` and `loss.generator(fake)`, with the critic's raw scores; see
    `AdversarialLoss`.

    Args:
        a: Score that the critic should give to a generated image, any number.
        b: Score that it should give to a real one, any number but `a`.
        c: Score that the generator wants for its images, any number. Nearer to `a` than to `b` it would want to
            be found out.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Mao et al. 2017, arXiv:1611.04076, eq. 2, with its names.

    Example:
        >>> import torch
        >>> LeastSquares().discriminator(torch.tensor([1.0, 0.0]), torch.tensor([0.0]))
        tensor(0.2500)
    """

    def __init__(self, *, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> None:
        super().__init__()
        self.a = number("a", a, "the score wanted of a fake image")
        self.b = number("b", b, "the score wanted of a real image")
        self.c = number("c", c, "the score that the generator wants")
        if a == b:
            raise ValueError(f"`a` and `b` must differ, or real and fake are to score alike; got {a!r} for both.")

    def cost_of_real(self, score: Tensor) -> Tensor:
        """Average the squared distance of real images from b, halved."""
        return mean(score, _distance_from(self.b))

    def cost_of_fake(self, score: Tensor) -> Tensor:
        """Average the squared distance of generated images from a, halved."""
        return mean(score, _distance_from(self.a))

    def cost_of_failure(self, score: Tensor) -> Tensor:
        """Average the squared distance of the generator's images from c, halved."""
        return mean(score, _distance_from(self.c))


def _distance_from(label: float) -> Price:
    """Half the square of each score's distance from a label, and its derivative, the distance."""

    def price(score: Tensor) -> tuple[Tensor, Tensor]:
        distance = score - label
        return distance.square() / 2, distance

    return price
