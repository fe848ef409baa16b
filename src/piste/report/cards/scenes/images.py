"""Image losses against what spoils a real image: noise, or as much darkness."""

from collections.abc import Iterator
from functools import cache, partial
from importlib import resources

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from piste.losses.base import Loss
from piste.report.cards.scenes.axes import Axes, Trace, follow

IMAGE, TOP, LEFT, SIDE = "n04e034.jpg", 32, 32, 48
COST = Axes("Loss of a spoilt image", "root mean square error", (0.01, 0.05, 0.1, 0.15, 0.2))
STEEP = Axes("Slope along what spoils it", "root mean square error", (0.01, 0.05, 0.1, 0.15, 0.2))
PLACES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2)


def scene(loss: Loss) -> Iterator[Trace]:
    """Cost and slope of noise and of darkness of the same size."""
    for role, direction in directions().items():
        costs, slopes = follow(partial(_spoilt, loss, direction), PLACES)
        yield Trace(COST, PLACES, costs, role)
        yield Trace(STEEP, PLACES, slopes, role)


def _spoilt(loss: Loss, direction: Tensor, size: Tensor) -> Tensor:
    result: Tensor = loss(lake() + size * direction, lake())
    return result


@cache
def lake() -> Tensor:
    """A piece of a satellite image, [1, 3, H, W], white being 1."""
    with resources.files("piste").joinpath("data", "lakes", "images", IMAGE).open("rb") as file:
        pixels = torch.from_numpy(np.array(Image.open(file))).double() / 255
    return pixels[TOP : TOP + SIDE, LEFT : LEFT + SIDE].permute(2, 0, 1).unsqueeze(0).contiguous()


@cache
def directions() -> dict[str, Tensor]:
    """What is added to the image, of root mean square 1."""
    noise = torch.randn(lake().shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return {"noise": noise / noise.square().mean().sqrt(), "darkness": -torch.ones_like(noise)}
