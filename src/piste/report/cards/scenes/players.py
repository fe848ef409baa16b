"""Losses of two players against the critic's score of one sample."""

from collections.abc import Iterator

import torch

from piste.losses.adversarial.base import AdversarialLoss
from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "the critic's raw score"
TICKS = (-4.0, -1.0, 0.0, 1.0, 4.0)
CRITIC = Axes("Loss of the critic, its other score 0", X, TICKS)
GENERATOR = Axes("Loss of the generator", X, TICKS)
PULL = Axes("Pull on the generator, to a higher score", X, TICKS)
PLACES = evenly(-6.0, 6.0, 49)


def scene(loss: Loss) -> Iterator[Trace]:
    """What the critic pays for a real and for a generated sample; what the generator pays for its own."""
    assert isinstance(loss, AdversarialLoss)
    undecided = torch.zeros(1, dtype=torch.float64)
    real, _ = follow(lambda score: loss.discriminator(score.view(1), undecided), PLACES)
    fake, _ = follow(lambda score: loss.discriminator(undecided, score.view(1)), PLACES)
    costs, slopes = follow(lambda score: loss.generator(score.view(1)), PLACES)
    yield Trace(CRITIC, PLACES, real, "a real sample")
    yield Trace(CRITIC, PLACES, fake, "a generated one")
    yield Trace(GENERATOR, PLACES, costs)
    yield Trace(PULL, PLACES, tuple(-slope for slope in slopes))
