"""Losses of anchors: three objects among a hundred, more and more hard negatives, and offsets that are off."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

ANCHORS, OBJECTS = 100, 3
MINED = Axes("Loss beside three objects", "hard negatives among 97 anchors", (0.0, 5.0, 10.0, 15.0, 20.0))
MISPLACED = Axes("Loss of a misplaced object", "error of one offset", (0.0, 0.5, 1.0, 1.5, 2.0))
COUNTS, ERRORS = evenly(0.0, 20.0, 21), evenly(0.0, 2.0, 41)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of hard negatives, which ends where no more of them count, and of offsets."""
    right = torch.zeros((), dtype=torch.float64)
    yield Trace(MINED, COUNTS, tuple(float(_cost(loss, round(count), right)) for count in COUNTS))
    costs, _ = follow(lambda error: _cost(loss, 0, error), ERRORS)
    yield Trace(MISPLACED, ERRORS, costs)


def _cost(loss: Loss, hard: int, error: Tensor) -> Tensor:
    labels = (torch.arange(ANCHORS) < OBJECTS).long().unsqueeze(0)
    sure = torch.full((ANCHORS,), 6.0, dtype=torch.float64)
    sure[OBJECTS : OBJECTS + hard] = -1.0
    scores = torch.where(torch.arange(ANCHORS) < OBJECTS, -sure, sure)  # of the background
    logits = torch.stack((scores, torch.zeros_like(scores)), 1).unsqueeze(0)
    corner = torch.zeros(1, ANCHORS, 4, dtype=torch.float64)
    corner[0, 0, 0] = 1.0
    result: Tensor = loss(logits, error * corner, labels, torch.zeros_like(corner))
    return result
