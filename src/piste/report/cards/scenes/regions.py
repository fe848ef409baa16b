"""Region losses against overlap: an object in an image four times its size, and a prediction that slides over it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly

OBJECT, IMAGE, SIDE = 100, 400, 20
SURE, UNSURE = 8.0, 2.0
PLACES = evenly(0.0, 1.0, 21)
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
SLID = Axes("Loss of what slides over the object", "overlap", TICKS)
WRONG = Axes("Loss of one kind of mistake alone", "wrong pixels per object pixel", TICKS)
PULL = Axes("Pull on the score of a wrong pixel", "overlap", TICKS)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost of a prediction of the object's size, of misses or false alarms alone, and the pull on either."""
    costs = tuple(_cost(loss, OBJECT - _pixels(x), OBJECT - _pixels(x)) for x in PLACES)
    yield Trace(SLID, PLACES, costs)
    yield Trace(WRONG, PLACES, tuple(_cost(loss, _pixels(x), 0) for x in PLACES), "misses")
    yield Trace(WRONG, PLACES, tuple(_cost(loss, 0, _pixels(x)) for x in PLACES), "false alarms")
    inner = PLACES[1:-1]
    pulls = [_pulls(loss, OBJECT - _pixels(x)) for x in inner]
    yield Trace(PULL, inner, tuple(miss for miss, _ in pulls), "misses")
    yield Trace(PULL, inner, tuple(false for _, false in pulls), "false alarms")


def _pixels(share: float) -> int:
    return round(share * OBJECT)


def _predicted(misses: int, false_alarms: int, score: float) -> Tensor:
    """Scores of the object class: the object is the first pixels, misses its first ones."""
    scores = torch.full((IMAGE,), -score, dtype=torch.float64)
    scores[misses : OBJECT + false_alarms] = score
    return scores.requires_grad_()


def _value(loss: Loss, scores: Tensor) -> Tensor:
    truth = (torch.arange(IMAGE) < OBJECT).long().view(1, SIDE, SIDE)
    image = scores.view(1, 1, SIDE, SIDE)
    if getattr(loss, "activation", "softmax") == "sigmoid":
        result: Tensor = loss(image, truth.unsqueeze(1))
        return result
    result = loss(torch.cat((torch.zeros_like(image), image), 1), truth)
    return result


def _cost(loss: Loss, misses: int, false_alarms: int) -> float:
    with torch.no_grad():
        return _value(loss, _predicted(misses, false_alarms, SURE)).item()


def _pulls(loss: Loss, wrong: int) -> tuple[float, float]:
    """What the gradient does for a miss and against a false alarm, times the object's pixels."""
    scores = _predicted(wrong, wrong, UNSURE)
    (slope,) = torch.autograd.grad(_value(loss, scores), scores)
    return -OBJECT * slope[0].item(), OBJECT * slope[OBJECT].item()
