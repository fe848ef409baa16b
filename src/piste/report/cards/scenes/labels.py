"""Label losses against the probability of the truth, seen from a positive and, where it differs, a negative."""

from collections.abc import Iterator
from functools import partial
from math import isclose, log

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "probability of the truth"
COST = Axes("Loss", X, (0.01, 0.1, 0.5, 0.9, 0.99))
PULL = Axes("Pull on the score of the truth", X, (0.01, 0.1, 0.5, 0.9, 0.99))
PLACES = tuple(sorted({0.001, 0.003, 0.01, 0.99, 0.997, 0.999, *evenly(0.02, 0.98, 49)}))
ODDS = tuple(log(p / (1 - p)) for p in PLACES)
"""The log-odds of the truth: the score of a positive, that of a negative with its sign turned."""


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost and pull of one element; the pull is the slope along the true class's score, positive where it helps."""
    sides = {side: follow(partial(_one, loss, side), ODDS) for side in (True, False)}
    alike = all(isclose(*pair, rel_tol=1e-9) for pair in zip(sides[True][0], sides[False][0], strict=True))
    for side, (costs, slopes) in sides.items():
        if side or not alike:
            role = "" if alike else "positive" if side else "negative"
            yield Trace(COST, PLACES, costs, role)
            yield Trace(PULL, PLACES, tuple(-slope for slope in slopes), role)


def _one(loss: Loss, positive: bool, odds: Tensor) -> Tensor:
    """Cost of one element whose truth has these log-odds."""
    if getattr(loss, "activation", "softmax") == "sigmoid":
        result: Tensor = loss((odds if positive else -odds).view(1, 1), torch.tensor([[int(positive)]]))
        return result
    scores = torch.stack((torch.zeros_like(odds), odds) if positive else (odds, torch.zeros_like(odds)))
    result = loss(scores.unsqueeze(0), torch.tensor([int(positive)]))
    return result
