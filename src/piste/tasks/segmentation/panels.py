"""Pictures of labels that lie over each other: what was found, missed and made up of each, or their outlines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from piste.tasks.base.examined import Pixels
from piste.tasks.base.panels import FALSE_ALARM, HIT, MISS, MOST, photograph

Maps = NDArray[np.bool_]
ALONE = 4  # labels up to which each has a panel of its own
LEGEND = "blue: found, yellow: missed, red: made up"
COLOURS = {
    "yellow": (255, 216, 64),
    "blue": (86, 188, 246),
    "red": (240, 78, 40),
    "green": (120, 214, 120),
    "violet": (214, 130, 240),
    "orange": (255, 160, 60),
    "white": (250, 250, 250),
    "turquoise": (64, 224, 208),
}
PEN = list(COLOURS.values())  # of outlines, one a label, over and over


def label_panels(image: Pixels, predicted: Maps, truth: Maps, counted: Maps, names: Sequence[str]) -> dict[str, Pixels]:
    """An image, and beside it each label's hits, misses and false alarms; of many labels, the outlines of all.

    Args:
        image: uint8 [H, W, 3].
        predicted: [K, H, W].
        truth: the same.
        counted: the same: where the truth is known.
        names: of the labels.
    """
    panels = {"image": photograph(image)}
    if len(names) > ALONE:
        shown = {"truth": truth & counted, "predicted": predicted & counted}
        return panels | {heading: outlines(image, maps) for heading, maps in shown.items()}
    dark = _dimmed(image)
    for name, said, is_so, known in zip(names, predicted, truth, counted, strict=True):
        picture = dark.copy()
        for where, colour in ((said & is_so, HIT), (~said & is_so, MISS), (said & ~is_so, FALSE_ALARM)):
            picture[where & known] = 0.3 * picture[where & known] + 0.7 * np.array(colour)
        panels[_heading(name, panels)] = photograph(picture.round().astype(np.uint8))
    return panels


def outlines(image: Pixels, maps: Maps, *, dimmed: bool = True) -> Pixels:
    """An image with each label veiled and outlined in its colour: [H, W, 3], enlarged where it is small.

    Args:
        image: uint8 [H, W, 3].
        maps: which pixels have each label, [K, H, W].
        dimmed: whether the image is shown in dark grey.
    """
    times = max(1, -(-MOST // (2 * max(image.shape[:2]))))
    picture = (_dimmed(image) if dimmed else image.astype(np.float64)).repeat(times, 0).repeat(times, 1)
    grown = maps.repeat(times, 1).repeat(times, 2)
    for place, inside in enumerate(grown):
        picture[inside] = 0.75 * picture[inside] + 0.25 * np.array(PEN[place % len(PEN)])
    for place, inside in enumerate(grown):  # each inside the last, so that labels with one outline are all seen
        shrunk = ndimage.binary_erosion(inside, iterations=place % 3 * 2) if place % 3 else inside
        edge = shrunk & ~ndimage.binary_erosion(shrunk, iterations=2)
        picture[edge] = PEN[place % len(PEN)]
    return photograph(picture.round().astype(np.uint8))


def label_words(predicted: Maps, truth: Maps, counted: Maps, names: Sequence[str]) -> str:
    """The IoU of each label that an image has, or is said to have, and what the colours mean."""
    told, words = [], list(COLOURS)
    for place, (name, said, is_so, known) in enumerate(zip(names, predicted, truth, counted, strict=True)):
        colour = "" if len(names) <= ALONE else f" ({words[place % len(words)]})"
        union = int(((said | is_so) & known).sum())
        if union:
            told.append(f"{name}{colour} {int((said & is_so & known).sum()) / union:.2f}")
    ious = f"IoU {', '.join(told)}" if told else "no label, and none predicted"
    return f"{ious} ({LEGEND})" if len(names) <= ALONE else ious


def _dimmed(image: Pixels) -> NDArray[np.float64]:
    """An image in dark grey, on which colours stand out."""
    grey = np.asarray(Image.fromarray(image).convert("L"), dtype=np.float64)
    return np.repeat((18 + 0.55 * grey)[..., None], 3, axis=2)


def _heading(name: str, taken: dict[str, Pixels]) -> str:
    return name if name not in taken else f"label {name}"
