"""Losses over lines of text: a line of five characters in five steps, each as sure as the next."""

from collections.abc import Iterator
from math import log

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

X = "p of each right character"
TICKS = (0.1, 0.3, 0.5, 0.7, 0.9)
COST = Axes("Loss of a line of five characters", X, TICKS)
PULL = Axes("Pull on the scores of the right ones", X, TICKS)
PLACES = evenly(0.02, 0.98, 49)
ODDS = tuple(log(p / (1 - p)) for p in PLACES)
LINE = torch.tensor([[1, 2, 3, 4, 5]])
STEPS = torch.tensor([5])
WRONG = log(5)
"""Six classes with the blank: five wrong scores of 0 weigh as much as one of ln 5."""


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of the line, and its slope along the scores of all right characters together."""
    costs, slopes = follow(lambda odds: loss(_scores(odds), LINE, STEPS, STEPS), ODDS)
    yield Trace(COST, PLACES, costs)
    yield Trace(PULL, PLACES, tuple(-slope for slope in slopes))


def _scores(odds: Tensor) -> Tensor:
    """Scores [1, T, C] in which each step's right character has these log-odds: there is one path, and no blank."""
    right = torch.nn.functional.one_hot(LINE, 6).to(odds)
    return right * (odds + WRONG)
