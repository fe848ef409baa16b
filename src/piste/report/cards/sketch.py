"""A panel in characters: dots of braille, eight to a character, and numbers at the axes."""

from collections.abc import Sequence
from math import log10

from rich.text import Text

from piste.report.cards.curves import Line, Panel

COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue")
DASH = {False: "\N{BOX DRAWINGS HEAVY HORIZONTAL}", True: "\N{BOX DRAWINGS HEAVY DOUBLE DASH HORIZONTAL}"}
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
MARGIN = 6
FLAT = 1e-6
"""A rise that is none, and is drawn as a straight line."""


def sketch(panel: Panel, width: int, height: int = 8) -> Text:
    """Draw a panel.

    Args:
        panel: Lines over axes.
        width: Characters that it may take.
        height: Characters from the lowest to the highest value.
    """
    columns = width - MARGIN
    scaled = [[log10(y) if panel.is_log else y for y in line.trace.y] for line in panel.lines]
    low, high = min(map(min, scaled)), max(map(max, scaled))
    if high - low < FLAT:
        low, high = low - 0.5, high + 0.5
    cells: dict[tuple[int, int], int] = {}
    looks: dict[tuple[int, int], str] = {}
    for line, heights in sorted(zip(panel.lines, scaled, strict=True), key=lambda each: each[0].default):
        rows = [round((high - y) / (high - low) * (4 * height - 1)) for y in _resampled(line.trace.x, heights, columns)]
        for x, (row, before) in enumerate(zip(rows, [rows[0], *rows], strict=False)):
            if is_dashed(panel, line) and x % 4 > 1:
                continue
            for y in range(min(row, before), max(row, before) + 1):
                cell = (y // 4, x // 2)
                cells[cell] = cells.get(cell, 0) | DOTS[y % 4][x % 2]
                looks[cell] = colour_of(panel, line)
    text = Text(no_wrap=True)
    ends = {0: high, height - 1: low}
    for row in range(height):
        named = compact(10 ** ends[row] if panel.is_log else ends[row]) if row in ends else ""
        text.append(
            f"{named:>{MARGIN - 1}}" + ("\N{BOX DRAWINGS LIGHT VERTICAL AND LEFT}" if named else "\u2502"), "dim"
        )
        for column in range(columns):
            here = (row, column)
            text.append(chr(0x2800 + cells[here]) if here in cells else " ", looks.get(here, ""))
        text.append("\n")
    first, last = panel.lines[0].trace.x[0], panel.lines[0].trace.x[-1]
    left, right = f"{round(first, 2):g}", f"{round(last, 2):g}"
    named = f"{panel.axes.x:^{columns - len(left) - len(right)}}"
    text.append(f"{'':{MARGIN}}{left}{named}{right}"[:width], "dim")
    return text


def is_dashed(panel: Panel, line: Line) -> bool:
    """Whether a line speaks of the second role."""
    return line.trace.role in panel.roles[1:]


def colour_of(panel: Panel, line: Line) -> str:
    """The colour of a line: one for each value of the knob."""
    values = list(dict.fromkeys(each.label for each in panel.lines))
    return COLOURS[values.index(line.label) % len(COLOURS)]


def compact(value: float) -> str:
    """A number in five characters or less, which says how large it is.

    >>> [compact(value) for value in (0.0, 0.00012, 0.0217, 0.6931, 4.605, 69.3, 1234.5, -0.5)]
    ['0', '1e-4', '0.02', '0.69', '4.61', '69.3', '1234', '-0.5']
    """
    size = abs(value)
    if size < 5e-7:
        return "0"
    if size < 0.01 or size >= 1e5:
        mantissa, _, power = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(power)}"
    text = f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"
    return text[:-1] if len(text) > 4 and "." in text[:-1] and text[-1] == "0" else text


def _resampled(x: Sequence[float], y: Sequence[float], columns: int) -> list[float]:
    """Heights at two places a character, on straight lines between those known."""
    places = [x[0] + (x[-1] - x[0]) * i / (2 * columns - 1) for i in range(2 * columns)]
    heights, at = [], 0
    for place in places:
        while at < len(x) - 2 and x[at + 1] < place:
            at += 1
        share = (place - x[at]) / (x[at + 1] - x[at])
        heights.append(y[at] + share * (y[at + 1] - y[at]))
    return heights
