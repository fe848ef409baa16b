"""The wall of a task that draws its own pictures: a strip of panels for each sample, the worst first."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from piste.report.artefacts import Pixels, Strip, Strips
from piste.report.pictures import SMALL, picture_uri
from piste.report.record import RunRecord
from piste.report.words import decimals

PAGE = 1120  # CSS pixels
GAP = 32
ROWS = 6  # of samples that are shown unfolded
LARGE = 400  # pixels of a picture that has much of the page's width for itself
MOST = 240  # samples of a page
FLAT = 2.5  # width over height from which panels stand one below the other


class Panel(NamedTuple):
    """A picture in a strip.

    Args:
        heading: what it shows.
        uri: the picture.
        alt: the same in words.
        small: whether it is enlarged pixel by pixel.
        ratio: width over height.
        run: place of its run in a comparison; -1 for none.
    """

    heading: str
    uri: str
    alt: str
    small: bool
    ratio: float
    run: int = -1


class Sample(NamedTuple):
    """A strip and what stands below it: its name, and a line of each run; of one run alone the run is -1."""

    name: str
    notes: list[tuple[int, str]]
    panels: list[Panel]


class StripWall(NamedTuple):
    """How strips stand on the page.

    Args:
        samples: in their order.
        open: how many of them are shown unfolded.
        least: width in CSS pixels that a strip needs.
        flat: whether panels stand one below the other.
        headed: how many of the first say what their panels show.
    """

    samples: list[Sample]
    open: int
    least: int
    flat: bool
    headed: int


def strip_wall(strips: Strips) -> StripWall:
    """The wall of one run, or of what training saw."""
    samples = strips.samples[:MOST]
    panels = max((len(sample.panels) for sample in samples), default=0)
    largest = LARGE if panels < 3 else 320
    shown = [
        Sample(
            sample.name,
            [(-1, note)] if (note := sample.note or _score(sample)) else [],
            [_panel(sample, heading, picture, largest) for heading, picture in _with_headings(strips, sample)],
        )
        for sample in samples
    ]
    return _arranged(shown, [sample.panels for sample in samples])


def compared_strips(records: Sequence[RunRecord]) -> StripWall:
    """The samples that all runs were shown: the panels that are the same in all of them, then each run's own.

    Those on which the runs differ most come first, and of equal ones the worst.
    """
    by_name = [{sample.name: sample for sample in record.strips.samples} for record in records]
    shared = [[each[name] for each in by_name] for name in by_name[0] if all(name in each for each in by_name)]

    def rank(samples: list[Strip]) -> tuple[float, float]:
        scores = [0.0 if math.isnan(sample.score) else sample.score for sample in samples]
        return min(scores) - max(scores), sum(scores)

    shown, pictures = [], []
    for samples in sorted(shared, key=rank)[:MOST]:
        same = [
            place
            for place, picture in enumerate(samples[0].panels)
            if all(len(s.panels) > place and np.array_equal(s.panels[place], picture) for s in samples)
        ]
        panels = [_panel(samples[0], *_with_headings(records[0].strips, samples[0])[place], 320) for place in same]
        kept = [samples[0].panels[place] for place in same]
        for run, (record, sample) in enumerate(zip(records, samples, strict=True)):
            own = [each for i, each in enumerate(_with_headings(record.strips, sample)) if i not in same]
            for heading, picture in own:
                panel = _panel(sample, heading, picture, 320)
                named = record.name if len(own) == 1 else f"{record.name}: {heading}"
                panels.append(panel._replace(heading=named, alt=f"{record.name}: {panel.alt}", run=run))
                kept.append(picture)
        notes = [(run, sample.note) for run, sample in enumerate(samples) if sample.note]
        shown.append(Sample(samples[0].name, notes, panels))
        pictures.append(kept)
    return _arranged(shown, pictures, compared=True)


def _score(sample: Strip) -> str:
    return "" if math.isnan(sample.score) else decimals(sample.score)


def _with_headings(strips: Strips, sample: Strip) -> list[tuple[str, Pixels]]:
    headings = [*strips.headings, *[""] * len(sample.panels)]
    return list(zip(headings, sample.panels, strict=False))


def _panel(sample: Strip, heading: str, picture: Pixels, largest: int) -> Panel:
    told = ": ".join(part for part in (sample.name, heading or "picture") if part)
    alt = f"{told}; {sample.note}" if sample.note else told
    return Panel(
        heading,
        picture_uri(picture, largest),
        alt,
        max(picture.shape[:2]) <= SMALL,
        picture.shape[1] / picture.shape[0],
    )


def _arranged(samples: list[Sample], pictures: Sequence[Sequence[Pixels]], *, compared: bool = False) -> StripWall:
    """Strips as wide as their pictures need, and as many of them unfolded as fill a screen or two."""
    sizes = [picture.shape for panels in pictures for picture in panels]
    if not sizes:
        return StripWall([], 0, 0, False, 0)
    count = max(map(len, pictures))
    ratio = float(np.median([shape[1] / shape[0] for shape in sizes]))
    wide = float(np.median([shape[1] for shape in sizes]))
    flat = ratio > FLAT
    one = min(max(1.1 * wide, 112), 220 if count == 1 or wide > 300 else 172)
    least = 340 if flat else round(min(one * count, 520 if count < 5 else 700))
    least = max(least, 200) if compared else least  # for the lines below
    columns = max((PAGE + GAP) // (least + GAP), 1)
    return StripWall(samples, (ROWS if least > 200 else 4) * columns, least, flat, columns if count > 1 else 0)
