"""What losses are called on: random logits and labels, of sizes that people train with."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..row import Inputs, Setting


def _shape(full: tuple[int, ...], quick: bool) -> tuple[int, ...]:
    """The full size, or one for a try, of which no axis is longer than 64."""
    return tuple(min(size, 64) for size in full) if quick else full


def _index(shape: tuple[int, ...], dice: torch.Generator) -> Tensor:
    """Class ids of which the first are common and the last rare."""
    return (shape[1] * torch.rand((shape[0], *shape[2:]), generator=dice) ** 3).long()


def pixels(quick: bool, *, soft: bool = False) -> Setting:
    """Exclusive classes on pixels, with class ids or with probabilities."""
    shape = _shape((2, 19, 512, 512), quick)

    def draw(dice: torch.Generator) -> Inputs:
        logits = 2 * torch.randn(shape, generator=dice)
        aim = torch.randn(shape, generator=dice).softmax(1) if soft else _index(shape, dice)
        return Inputs((logits,), (aim,))

    return Setting(f"softmax {list(shape)}{', soft labels' if soft else ''}", draw)


def samples(quick: bool, *, soft: bool = False) -> Setting:
    """Exclusive classes of whole images."""
    shape = (1024, 100) if quick else (65536, 100)

    def draw(dice: torch.Generator) -> Inputs:
        logits = 2 * torch.randn(shape, generator=dice)
        aim = torch.randn(shape, generator=dice).softmax(1) if soft else _index(shape, dice)
        return Inputs((logits,), (aim,))

    return Setting(f"softmax {list(shape)}{', soft labels' if soft else ''}", draw)


def labels(quick: bool, *, soft: bool = False, images: int = 8) -> Setting:
    """One independent label a pixel, bool, or a share of it."""
    shape = _shape((images, 1, 512, 512), quick)

    def draw(dice: torch.Generator) -> Inputs:
        logits = 2 * torch.randn(shape, generator=dice)
        aim = torch.rand(shape, generator=dice) if soft else torch.rand(shape, generator=dice) < 0.3
        return Inputs((logits,), (aim,))

    return Setting(f"sigmoid {list(shape)}{', soft labels' if soft else ''}", draw)


def qualities(quick: bool) -> Setting:
    """One independent label a pixel, 0 or how good a positive is."""
    shape = _shape((8, 1, 512, 512), quick)

    def draw(dice: torch.Generator) -> Inputs:
        quality = torch.rand(shape, generator=dice)
        return Inputs((2 * torch.randn(shape, generator=dice),), (quality * (torch.rand(shape, generator=dice) < 0.3),))

    return Setting(f"sigmoid {list(shape)}, qualities", draw)


def beside(setting: Setting, what: str) -> Setting:
    """The same, with a mask or with sample weights of the elements' shape behind the labels."""

    def draw(dice: torch.Generator) -> Inputs:
        drawn = setting.draw(dice)
        chance = torch.rand(drawn.aim[0].shape, generator=dice)
        return Inputs(drawn.leaves, (*drawn.aim, chance < 0.9 if what == "mask" else chance))

    return Setting(f"{setting.name}, {what}", draw)


def blobs(shape: tuple[int, ...], dice: torch.Generator) -> Tensor:
    """Smooth random fields, as of a mask with objects in it."""
    coarse = torch.randn((*shape[:2], *(max(size // 32, 2) for size in shape[2:])), generator=dice)
    fine = F.interpolate(coarse, shape[2:], mode="bilinear")
    return 3 * fine + 0.2 * torch.randn(shape, generator=dice)


def outlines(quick: bool, *, activation: str = "softmax") -> Setting:
    """Masks with objects, and logits that half agree with them."""
    shape = _shape((2, 4, 512, 512) if activation == "softmax" else (8, 1, 512, 512), quick)

    def draw(dice: torch.Generator) -> Inputs:
        truth = blobs(shape, dice)
        aim = truth.argmax(1) if activation == "softmax" else truth > 1
        return Inputs((truth / 2 + blobs(shape, dice),), (aim,))

    return Setting(f"{activation} {list(shape)}, objects", draw)
