"""A line with what it says and what was read of it, character above character, the mistakes in colour."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from piste.data.text.fonts import load_font
from piste.metrics.edits import Pair, align
from piste.tasks.base.examined import Pixels

WIDTH, LINE, ROW, LABEL, MARGIN = 720, 96, 40, 76, 8
CELL = 20  # the widest that a character gets
EM = 0.602  # how wide the characters of the font are, in sizes
PAPER, INK, FAINT = (253, 253, 252), (28, 32, 36), (150, 156, 162)
MISSED, WRONG = (255, 216, 64), (240, 78, 40)  # as everywhere in the report
FONT = "DejaVuSansMono"


def read_line(image: Pixels, read: str, truth: str | None = None) -> Pixels:
    """`line_picture` above `reading_picture`: RGB, uint8 [H, 720, 3]."""
    return np.concatenate([line_picture(image), reading_picture(read, truth)])


def line_picture(image: Pixels) -> Pixels:
    """An image of a line, uint8 [H, W, 3], as large as 720 x 112 pixels allow."""
    height, width = image.shape[:2]
    scale = min(LINE / height, (WIDTH - 2 * MARGIN) / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = Image.new("RGB", (WIDTH, LINE + 2 * MARGIN), PAPER)
    canvas.paste(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), (MARGIN, MARGIN))
    return np.asarray(canvas).copy()


def reading_picture(read: str, truth: str | None = None) -> Pixels:
    """What was read, below the truth where that is known: RGB, uint8 [H, 720, 3].

    What was not read as it stands there is marked yellow in the truth, and what was read instead or too much red in the
    reading. A dot is left where the other one has a character more.
    """
    rows = [("read", [Pair(char, char) for char in read])] if truth is None else []
    if truth is not None:
        rows = [("truth", align(read, truth)), ("read", align(read, truth))]
    canvas = Image.new("RGB", (WIDTH, ROW * len(rows) + MARGIN), PAPER)
    pen = ImageDraw.Draw(canvas)
    for i, (label, pairs) in enumerate(rows):
        pen.text((MARGIN, i * ROW + ROW // 2), label, FAINT, load_font(FONT, 18), anchor="lm")
        _write(pen, i * ROW, pairs, of_truth=label == "truth")
    return np.asarray(canvas).copy()


def stacked(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures of one width, one below the other."""
    return np.concatenate(list(pictures), axis=0)


def _write(pen: ImageDraw.ImageDraw, top: int, pairs: Sequence[Pair], *, of_truth: bool) -> None:
    cell = min(float(CELL), (WIDTH - LABEL - MARGIN) / max(len(pairs), 1))
    font = load_font(FONT, max(6, int(cell / EM)))
    for place, pair in enumerate(pairs):
        char = pair.truth if of_truth else pair.read
        left, right = LABEL + place * cell, LABEL + (place + 1) * cell
        colour = INK
        if char is None:
            char, colour = "·", FAINT
        elif pair.truth != pair.read:
            pen.rectangle((left, top + 3, right - 1, top + ROW - 4), fill=MISSED if of_truth else WRONG)
            colour = INK if of_truth else (255, 255, 255)
        pen.text(((left + right) / 2, top + ROW // 2), char, colour, font, anchor="mm")
