"""Losses of shape: a disc that grows past the true one, and one that is moved away from it."""

from collections.abc import Iterator
from functools import cache, partial

import torch
from torch import Tensor

from piste.losses import signed_distance
from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, evenly, follow

SIDE, RADIUS, SHARPNESS = 48, 8.0, 2.0
GROWS, MOVES = "radius in pixels; truth 8", "shift in pixels"
COST = Axes("Loss of a disc that grows", GROWS, (2.0, 5.0, 8.0, 11.0, 14.0))
PULL = Axes("Pull toward the true radius", GROWS, (2.0, 5.0, 8.0, 11.0, 14.0))
MOVED = Axes("Loss of a disc that is moved away", MOVES, (0.0, 5.0, 10.0, 15.0))
RADII, SHIFTS = evenly(0.5, 15.5, 31), evenly(0.0, 15.0, 16)


def elements(loss: Loss) -> Iterator[Trace]:
    """Show a loss that is called with labels."""
    yield from _scene(partial(_with_labels, loss))


def maps(loss: Loss) -> Iterator[Trace]:
    """Show a loss that is called with maps of distances."""
    yield from _scene(partial(_with_maps, loss))


def _scene(cost: "partial[Tensor]") -> Iterator[Trace]:
    costs, slopes = follow(lambda radius: cost(_disc(radius, torch.zeros_like(radius))), RADII)
    yield Trace(COST, RADII, costs)
    pulls = (slope if radius > RADIUS else -slope for radius, slope in zip(RADII, slopes, strict=True))
    yield Trace(PULL, RADII, tuple(pulls))
    moved, _ = follow(lambda shift: cost(_disc(torch.full_like(shift, RADIUS), shift)), SHIFTS)
    yield Trace(MOVED, SHIFTS, moved)


def _with_labels(loss: Loss, logits: Tensor) -> Tensor:
    result: Tensor = loss(logits, truth().long())
    return result


def _with_maps(loss: Loss, logits: Tensor) -> Tensor:
    result: Tensor = loss(logits, {"distance": signed_distance(truth(), dtype=torch.float64)})
    return result


def _disc(radius: Tensor, shift: Tensor) -> Tensor:
    """Scores [1, 1, H, W] of a disc whose outline is as soft as a pixel."""
    rows, columns = (
        axis.double() - (SIDE - 1) / 2 for axis in torch.meshgrid(*[torch.arange(SIDE)] * 2, indexing="ij")
    )
    distance = (rows.square() + (columns - shift).square() + 1e-12).sqrt()
    return (SHARPNESS * (radius - distance)).view(1, 1, SIDE, SIDE)


@cache
def truth() -> Tensor:
    """The true disc, [1, 1, H, W], bool."""
    still = torch.zeros((), dtype=torch.float64)
    return _disc(still + RADIUS, still) > 0
