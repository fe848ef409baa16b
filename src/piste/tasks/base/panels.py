"""Panels of the wall that are drawn here: photographs at a legible size, and bars with words."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from piste.tasks.base.examined import Pixels

LEAST, MOST = 224, 448  # pixels of a photograph's longer side
GROUND, INK, MUTED = (24, 28, 32), (236, 238, 240), (148, 156, 164)
HIT, MISS, FALSE_ALARM, OTHER = (86, 188, 246), (255, 216, 64), (240, 78, 40), (108, 117, 125)  # as in the report
TEXT = 17  # pixels


class Bar(NamedTuple):
    """A row of a panel of bars.

    Args:
        name: stands to the left.
        share: length, in 0 … 1.
        colour: red, green, blue.
        word: stands to the right of the bar.
    """

    name: str
    share: float
    colour: tuple[int, int, int]
    word: str


def photograph(image: Pixels) -> Pixels:
    """An image [H, W, 3], small ones enlarged by whole steps, which keep their pixels, large ones made smaller."""
    longest = max(image.shape[:2])
    if longest < LEAST:
        times = -(-LEAST // longest)
        return image.repeat(times, axis=0).repeat(times, axis=1)
    if longest <= MOST:
        return image
    height, width = (max(round(side * MOST / longest), 1) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def bars(rows: Sequence[Bar], width: int = 336, height: int = LEAST) -> Pixels:
    """Rows of a name, a bar and a word, on dark ground: [height, width, 3]."""
    picture = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(picture)
    font = words(TEXT)
    step = height / max(len(rows), 1)
    left, right = round(0.42 * width), round(0.80 * width)
    for place, row in enumerate(rows):
        middle = round((place + 0.5) * step)
        ink = INK if row.colour == OTHER else row.colour
        draw.text((left - 10, middle), shortened(row.name, left - 16), ink, font, anchor="rm")
        thick = round(min(step * 0.28, 13))
        draw.rectangle((left, middle - thick, right, middle + thick), fill=(44, 50, 56))
        end = left + round((right - left) * min(max(row.share, 0.0), 1.0))
        if end > left:
            draw.rectangle((left, middle - thick, end, middle + thick), fill=row.colour)
        draw.text((width - 8, middle), row.word, row.colour if row.colour != OTHER else MUTED, font, anchor="rm")
    return np.asarray(picture)


class Reading(NamedTuple):
    """A row of a panel of rulers: a true number, the one that was said, and perhaps an interval.

    Args:
        name: stands above.
        truth: where the truth lies, in 0 … 1 of the ruler.
        said: where the answer lies.
        interval: where it begins and ends.
        words: what stands for the truth and for the answer.
    """

    name: str
    truth: float
    said: float
    interval: tuple[float, float] | None
    words: tuple[str, str]


def rulers(rows: Sequence[Reading], width: int = 336, height: int = LEAST) -> Pixels:
    """Rows of a ruler with the truth in yellow and the answer in blue, its interval a band: [height, width, 3]."""
    picture = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(picture)
    step, left, right = height / max(len(rows), 1), 16, width - 16
    size = 15 if len(rows) <= 4 else 12

    def at(share: float) -> int:
        return left + round((right - left) * min(max(share, 0.0), 1.0))

    for place, row in enumerate(rows):
        middle = round((place + 0.5) * step)
        reach = round(min(step * 0.14, 14))
        draw.line((left, middle, right, middle), fill=(72, 80, 88), width=2)
        if row.interval is not None:
            low, high = (at(end) for end in row.interval)
            draw.rectangle((low, middle - reach // 2, max(high, low + 1), middle + reach // 2), fill=(46, 92, 122))
        x = at(row.said)
        draw.ellipse((x - 6, middle - 6, x + 6, middle + 6), fill=HIT)
        x = at(row.truth)
        draw.rectangle((x - 2, middle - reach, x + 2, middle + reach), fill=MISS)
        top, bottom = middle - reach - size, middle + reach + size
        draw.text((left, top), shortened(row.name, (right - left) // 2, size), INK, words(size), anchor="lm")
        draw.text((right, top), f"true {row.words[0]}", MISS, words(size), anchor="rm")
        draw.text((right, bottom), f"said {row.words[1]}", HIT, words(size), anchor="rm")
    return np.asarray(picture)


def captioned(image: Pixels, text: str, colour: tuple[int, int, int], side: int) -> Pixels:
    """A square thumbnail with a line of a colour and a line of text below it: [side + 20, side, 3]."""
    picture = Image.new("RGB", (side, side + 20), GROUND)
    small = Image.fromarray(image)
    grown = max(image.shape[:2]) < side
    width, height = (max(round(edge * side / max(small.size)), 1) for edge in small.size)
    small = small.resize((width, height), Image.Resampling.NEAREST if grown else Image.Resampling.LANCZOS)
    picture.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, side, side, side + 20), fill=GROUND)
    draw.rectangle((0, side, side, side + 2), fill=colour)
    draw.text((side // 2, side + 12), shortened(text, side - 4, 13), colour, words(13), anchor="mm")
    return np.asarray(picture)


def tiled(pictures: Sequence[Pixels], columns: int, gap: int = 4) -> Pixels:
    """Pictures of one size in rows, with a gap between them."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), GROUND, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def shortened(text: str, width: int, size: int = TEXT) -> str:
    """A text that fits into a width, cut with dots where it must be."""
    font = words(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "\u2026") > width:
        text = text[:-1]
    return text + "\u2026"


@cache
def words(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which knows most scripts of Europe; it comes with matplotlib."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return ImageFont.truetype(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size)
