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
    both = torch.tensor([iou, 0.5], dtype=torch.float64)
    if getattr(loss, "activation", "softmax") == "sigmoid":
        scores, target = torch.zeros(2, 1, dtype=torch.float64), torch.ones(2, 1, dtype=torch.long)
    else:
        scores, target = torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, dtype=torch.long)
    (slope,) = torch.autograd.grad(loss(scores.requires_grad_(), target, iou=both), scores)
    return -2 * slope[0, -1].item()
