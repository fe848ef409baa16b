"""Photographs and what is drawn over them, as arrays and as data that a page can hold."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from piste.report.artefacts import Pixels
from piste.report.palette import CLASSES, FALSE_ALARM, HIT, IGNORED, MISS

LARGEST = 320  # pixels along the longer side of a picture in the page
SMALL = 96  # pixels along the longer side of a picture that is enlarged pixel by pixel
IGNORE = 255  # how a run's pictures mark a pixel that counts for nothing
CONFUSED = (196, 128, 255)
Rgba = tuple[int, int, int, int]

ERRORS: dict[str, Rgba] = {
    "hit": (*HIT, 255),
    "miss": (*MISS, 255),
    "false alarm": (*FALSE_ALARM, 255),
    "wrong class": (*CONFUSED, 255),
    "not counted": (*IGNORED, 120),
}
SLATE = (52, 57, 62)  # under the photographs that colours are laid on
NOTHING: Rgba = (0, 0, 0, 0)
LEVELS = 8  # of probability below the threshold


def errors(truth: Pixels, predicted: Pixels, background: int | None) -> tuple[Pixels, list[Rgba]]:
    """Where a prediction is right and in which way it is wrong, as codes and their colours.

    A pixel of a foreground class is a hit where it was given that class, a miss where it was taken for background,
    and of the wrong class where it was given another; background that was given a class is a false alarm.
    """
    is_so, said = (
        truth != (-1 if background is None else background),
        predicted != (-1 if background is None else background),
    )
    codes = np.zeros(truth.shape, dtype=np.uint8)
    codes[is_so & (predicted == truth)] = 1
    codes[is_so & ~said] = 2
    codes[~is_so & said] = 3
    codes[is_so & said & (predicted != truth)] = 4
    codes[(truth == IGNORE) | (predicted == IGNORE)] = 5
    return codes, [NOTHING, *ERRORS.values()]


def classes(mask: Pixels, background: int | None) -> tuple[Pixels, list[Rgba]]:
    """A mask of class indices in the colours of the classes, the background left clear."""
    count = int(mask[mask != IGNORE].max(initial=0)) + 1
    codes = np.where(mask == IGNORE, count, mask).astype(np.uint8)
    colours = [NOTHING if index == background else (*class_colour(index, background), 255) for index in range(count)]
    return codes, [*colours, ERRORS["not counted"]]


def prediction(predicted: Pixels, prob: Pixels, background: int | None) -> tuple[Pixels, list[Rgba]]:
    """The predicted classes in full colour, and as a veil what was thought possible but not claimed."""
    codes, colours = classes(predicted, background)
    veil = class_colour(int(background == 0), background)
    alphas = [(*veil, round(150 * (level + 1) / LEVELS)) for level in range(LEVELS)]
    level = prob.astype(int) * (LEVELS + 1) // 256
    thought = (codes == (-1 if background is None else background)) & (level > 0)
    return np.where(thought, len(colours) + level - 1, codes).astype(np.uint8), [*colours, *alphas]


def class_colour(index: int, background: int | None) -> tuple[int, int, int]:
    """The colour of a class on photographs."""
    place = index - (background is not None and index > background)
    return CLASSES[place % len(CLASSES)]


def photo_uri(image: Pixels, largest: int = LARGEST, quality: int = 90) -> str:
    """A photograph as a data URI, at most `largest` pixels a side."""
    photo = Image.fromarray(image)
    photo.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality, subsampling=0)
    return _uri(file, "jpeg")


def picture_uri(picture: Pixels, largest: int = LARGEST) -> str:
    """A drawn or photographed picture as a data URI, at most `largest` pixels a side; few colours stay exact."""
    if max(picture.shape[:2]) <= SMALL or _few_colours(picture):
        image = Image.fromarray(picture)
        image.thumbnail((largest, largest), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        image.save(file, "PNG", optimize=True)
        return _uri(file, "png")
    return photo_uri(picture, largest, quality=82)


def _few_colours(picture: Pixels) -> bool:
    """Whether a picture is more of a drawing than of a photograph."""
    return Image.fromarray(picture).getcolors(256) is not None


def overlay_uri(codes: Pixels, colours: Sequence[Rgba]) -> str:
    """Codes in their colours as a data URI; clear where the colour is."""
    step = -(-max(codes.shape) // LARGEST)
    picture = Image.fromarray(np.ascontiguousarray(codes[::step, ::step]), mode="P")
    picture.putpalette([channel for colour in colours for channel in colour[:3]])
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=bytes(colour[3] for colour in colours))
    return _uri(file, "png")


def dimmed(image: Pixels) -> Pixels:
    """A photograph in pale greys on slate, for colours to stand out on."""
    grey = image @ np.array([0.299, 0.587, 0.114])
    mixed: NDArray[np.float64] = grey[..., None] * 0.5 + np.array(SLATE) * 0.5
    return mixed.astype(np.uint8)


def painted(image: Pixels, codes: Pixels, colours: Sequence[Rgba]) -> Pixels:
    """Codes in their colours laid over an image."""
    table = np.array(colours, dtype=float)[codes]
    alpha = table[..., 3:] / 255
    blended: NDArray[np.float64] = image * (1 - alpha) + table[..., :3] * alpha
    return blended.round().astype(np.uint8)


def outlined(image: Pixels, mask: Pixels, background: int | None) -> Pixels:
    """A mask's classes over an image: a tint inside, full colour on the edge."""
    codes, colours = classes(mask, background)
    tinted = painted(image, codes, [(*colour[:3], colour[3] // 4) for colour in colours])
    padded = np.pad(mask, 1, mode="edge")
    neighbours = [
        padded[1 + i : 1 + i + mask.shape[0], 1 + j : 1 + j + mask.shape[1]]
        for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0))
    ]
    edge = np.logical_or.reduce([n != mask for n in neighbours])
    return np.where(edge[..., None], painted(image, codes, colours), tinted).astype(np.uint8)


def _uri(file: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
