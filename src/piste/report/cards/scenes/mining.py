"""Mining against how many of a batch of a hundred elements are hard."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly

BATCH, HARD, EASY = 100, -1.0, 4.0
"""Log-odds of the truth: p = 0.27 of a hard element, 0.98 of an easy one."""
X = "hard elements of a hundred"
TICKS = (0.0, 10.0, 25.0, 50.0, 75.0)
COST = Axes("Loss of the batch", X, TICKS)
PULL = Axes("Pull on the scores of the truth", X, TICKS)
PLACES = evenly(0.0, 80.0, 41)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of the batch, and the pull on its hard and on its easy elements, each together."""
    found = [_cost_and_pulls(loss, round(hard)) for hard in PLACES]
    yield Trace(COST, PLACES, tuple(cost for cost, _, _ in found))
    yield Trace(PULL, PLACES, tuple(pull for _, pull, _ in found), "the hard ones")
    yield Trace(PULL, PLACES, tuple(pull for _, _, pull in found), "the easy ones")


def _cost_and_pulls(loss: Loss, hard: int) -> tuple[float, float, float]:
    odds = torch.full((BATCH,), EASY, dtype=torch.float64)
    odds[:hard] = HARD
    odds = odds - torch.arange(BATCH) * 1e-6  # no two are equally hard
    scores: Tensor = torch.stack((torch.zeros_like(odds), odds), 1).requires_grad_()
    cost = loss(scores, torch.ones(BATCH, dtype=torch.long))
    (slope,) = torch.autograd.grad(cost, scores)
    return cost.item(), -slope[:hard, 1].sum().item(), -slope[hard:, 1].sum().item()
