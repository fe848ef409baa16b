"""Losses of boxes with a score: two objects, one of which is placed better and better."""

from collections.abc import Iterator

import torch

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly

X = "IoU of a box, beside one of 0.5"
PULL = Axes("Pull on the score of its class", X, (0.05, 0.25, 0.5, 0.75, 1.0))
PLACES = evenly(0.0, 1.0, 41)


def scene(loss: Loss) -> Iterator[Trace]:
    """How hard the box's class is learnt, both being predicted at 1/2; their loss is the same throughout."""
    yield Trace(PULL, PLACES, tuple(_pull(loss, iou) for iou in PLACES))


def _pull(loss: Loss, iou: float) -> float:
    scores = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    cost = loss(scores, torch.ones(2, dtype=torch.long), iou=torch.tensor([iou, 0.5], dtype=torch.float64))
    (slope,) = torch.autograd.grad(cost, scores)
    return -2 * slope[0, 1].item()
