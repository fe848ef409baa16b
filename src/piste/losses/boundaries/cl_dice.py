"""Soft centre-line Dice: 1 - 2 T S / (T + S), the overlap of two skeletons with two areas.

T = |skeleton(p) y| / |skeleton(p)| says how much of the predicted centre line lies inside the truth, and
S = |skeleton(y) p| / |skeleton(y)| how much of the true one was found; `smooth` is added to each number of pixels.
The skeleton is what openings take away while the image is eroded, step by step.
"""

from functools import reduce
from itertools import product
from math import log
from typing import Unpack

from torch import Tensor

from piste.losses.arguments import number
from piste.losses.boundaries.base import ShapeKeywords, ShapeLoss
from piste.losses.boundaries.neighbours import extreme, lesser
from piste.losses.regions.areas import over_space
from piste.losses.spec import Case, Choice, loss


def as_printed(
    places: list[tuple[int, ...]],
    probs: list[float],
    target: list[float],
    element_weight: list[float],
    iterations: int,
    smooth: float,
) -> float:
    """One class of one image; what does not count is as if outside the image."""
    counted = {place: w for place, w in zip(places, element_weight, strict=True) if w}

    steps = list(product((-1, 0, 1), repeat=len(places[0])))

    def near(here: tuple[int, ...], most: int) -> list[tuple[int, ...]]:
        """The pixels that count within a square of 3, along at most so many axes at once."""
        chosen = [step for step in steps if step.count(0) >= len(step) - most]
        around = [tuple(a + b for a, b in zip(here, step, strict=True)) for step in chosen]
        return [at for at in around if at in counted]

    along_axes = {here: near(here, 1) for here in counted}
    in_square = {here: near(here, len(here)) for here in counted}

    def eroded(image: dict[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
        return {here: min(image[at] for at in around) for here, around in along_axes.items()}

    def opened(image: dict[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
        least = eroded(image)
        return {here: max(least[at] for at in around) for here, around in in_square.items()}

    def skeleton(values: list[float]) -> dict[tuple[int, ...], float]:
        image = {place: value for place, value in zip(places, values, strict=True) if place in counted}
        wide = opened(image)
        lost = {place: max(0.0, value - wide[place]) for place, value in image.items()}
        for _ in range(iterations):
            image = eroded(image)
            wide = opened(image)
            more = {place: max(0.0, image[place] - wide[place]) for place in image}
            lost = {place: s + (1 - s) * more[place] for place, s in lost.items()}
        return lost

    def inside(line: dict[tuple[int, ...], float], area: list[float]) -> float:
        share = {place: value for place, value in zip(places, area, strict=True) if place in counted}
        both = sum(w * line[place] * share[place] for place, w in counted.items())
        return (both + smooth) / (sum(w * line[place] for place, w in counted.items()) + smooth)

    topology, sensitivity = inside(skeleton(probs), target), inside(skeleton(target), probs)
    return 1 - 2 * topology * sensitivity / (topology + sensitivity)


@loss(
    tasks=("segmentation",),
    targets=("index", "soft", "labels"),
    source="Shit et al. 2021, arXiv:2003.07311",
    value_range=(0.0, 1.0),
    tendency="neither",
    search={"iterations": Choice(1, 3, 10)},
    reference=as_printed,
    unit="class",
    call="spatial",
    variants=({"iterations": 1, "smooth": 0.1},),
    waivers={
        "declared_range_is_no_wider_than_need_be": "smooth, which defines the cost of a class that is nowhere, counts "
        "as a pixel of overlap, and skeletons in the contract's images are short",
    },
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[[40.0, 40.0, 40.0, 40.0], [-40.0, -40.0, -40.0, -40.0]]]],
            [[[[1, 1, 0, 0], [0, 0, 0, 0]]]],
            1 - 2 * (3 / 5) / (3 / 5 + 1),
            "a line of 4 pixels is its own skeleton, and 2 of them are true: T = (2 + 1) / (4 + 1); the true line of "
            "2 pixels is found: S = 3/3",
        ),
        Case(
            {"activation": "sigmoid", "smooth": 0.5},
            [[[[0.0, 0.0], [-40.0, -40.0]]]],
            [[[[1, 1], [0, 0]]]],
            1 - 2 * (1.5 / 2.5) / (1 + 1.5 / 2.5),
            "p = 1/2 on the line: its skeleton is 1/2 on both pixels, T = (1 + 0.5) / (1 + 0.5); "
            "S = (1 + 0.5) / (2 + 0.5)",
        ),
        Case(
            {"activation": "sigmoid"},
            [[[[log(3), -40.0], [-40.0, -40.0]]]],
            [[[[0, 0], [0, 0]]]],
            1 - 2 * (4 / 7) / (4 / 7 + 1),
            "nothing is true: a false alarm of 3/4, T = 1 / (3/4 + 1), S = 1 / 1",
        ),
    ),
)
class ClDice(ShapeLoss):
    """Soft centre-line Dice: whether vessels, roads and cracks stay in one piece, however thick they are.

    A gap of one pixel in a thin line costs as much as any other pixel of its centre line. It does not see how wide
    a thing is, so it is added to a loss of areas: `0.5 * Dice() + 0.5 * ClDice()`. Leave the background out of
    `classes`: its skeleton means nothing.

    Args:
        iterations: Erosions, an integer >= 0: about half of the width of the widest thing whose centre line counts.
            Raising it buys wider things and costs time.
        smooth: Pixels added to what overlaps and to the length of each skeleton, > 0; the authors' is 1. A class that
            is nowhere costs nothing where none is predicted.
        **common: activation, weight, ignore_index, reduction and classes of `ShapeLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Shit et al. 2021, arXiv:2003.07311, with the erosion of the authors' code, along one axis at a time.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]]])
        >>> gap = torch.tensor([[[[0, 0, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0]]]])
        >>> ClDice(activation="sigmoid")(200.0 * gap - 100.0, line)
        tensor(0.1111)
    """

    def __init__(self, *, iterations: int = 3, smooth: float = 1.0, **common: Unpack[ShapeKeywords]) -> None:
        super().__init__(**common)
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 0:
            raise ValueError(f"`iterations` is a number of erosions and must be an integer >= 0; got {iterations!r}.")
        self.iterations = iterations
        self.smooth = number("smooth", smooth, "a number of pixels", above=0.0)

    def cost(self, probs: Tensor, truth: Tensor, count: Tensor | None) -> Tensor:
        """Price what is missing of the overlap of skeletons with areas."""
        known = None if count is None else count > 0
        lines = [skeleton(image, known, self.iterations) for image in (probs, truth)]
        if count is not None:
            lines = [count * line for line in lines]
        topology, sensitivity = self._inside(lines[0], truth), self._inside(lines[1], probs)
        return 1 - 2 * topology * sensitivity / (topology + sensitivity)

    def _inside(self, line: Tensor, area: Tensor) -> Tensor:
        """Share of a line that lies in an area."""
        return (over_space(line * area) + self.smooth) / (over_space(line) + self.smooth)


def skeleton(image: Tensor, known: Tensor | None, iterations: int) -> Tensor:
    """What openings take away from [N, C, *S] in [0, 1] while it is eroded; what is not known is not looked at."""
    lost = None
    unknown = None
    if known is not None:
        image, known = image.where(known, 0), known.to(image.dtype)
        unknown = 1 - known
    for _ in range(iterations + 1):
        # unknown pixels are 1 in what is eroded, and 0 in what is dilated
        eroded = _eroded(image if unknown is None else image + unknown)
        eroded = eroded if known is None else eroded * known
        opened = eroded
        for axis in range(2, image.dim()):
            opened = extreme(opened, axis, greatest=True)
        more = (image - opened).relu()
        lost = more if lost is None else lost + (1 - lost) * more
        image = eroded
    assert lost is not None
    return lost


def _eroded(image: Tensor) -> Tensor:
    """The least value around each pixel, along each axis by itself."""
    return reduce(lesser, (extreme(image, axis, greatest=False) for axis in range(2, image.dim())))
