"""How it looked over time: pictures that a run has kept of where training stood, an epoch each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from piste.report.artefacts import Pixels, Snapshot
from piste.report.pictures import SMALL, picture_uri
from piste.report.record import RunRecord

OPEN = 12
SMALLER = 480  # pixels along the longer side
LARGE = 1120  # of the one that is shown large, on a dense screen
FOLDED = 48  # more than these are left to the folder `snapshots`


class Moment(NamedTuple):
    """A picture and when it was taken."""

    caption: str
    uri: str
    small: bool


class Moments(NamedTuple):
    """The pictures on the page.

    Args:
        kept: that of the epoch whose model was kept, large; None where it has none.
        open: those to see at once.
        folded: those that are folded away.
        total: how many there are in all.
        least: width in CSS pixels that one needs.
    """

    kept: Moment | None
    open: list[Moment]
    folded: list[Moment]
    total: int
    least: int


def moments(record: RunRecord) -> Moments:
    """Pictures at even distances from the first epoch to the last."""
    every = record.snapshots
    first = evenly(every, OPEN)
    shown = {snapshot.epoch for snapshot in first}
    rest = evenly([snapshot for snapshot in every if snapshot.epoch not in shown], FOLDED)
    ratio = max((s.picture.shape[1] / s.picture.shape[0] for s in every[:1]), default=1.0)
    least = round(min(max(ratio, 1.0) * 168, 350))
    side = min(2 * least, SMALLER)
    return Moments(
        next((_moment(record, s, LARGE) for s in every if s.epoch == record.best_epoch), None),
        [_moment(record, s, side) for s in first],
        [_moment(record, s, side) for s in rest],
        len(every),
        least,
    )


def evenly(snapshots: Sequence[Snapshot], most: int) -> list[Snapshot]:
    """The first, the last, and others at even distances between them.

    Example:
        >>> nothing = np.zeros((1, 1, 3), np.uint8)
        >>> [each.epoch for each in evenly([Snapshot(epoch, nothing) for epoch in range(1, 8)], 3)]
        [1, 4, 7]
    """
    if len(snapshots) <= most:
        return list(snapshots)
    return [snapshots[round(place)] for place in np.linspace(0, len(snapshots) - 1, most)]


def _moment(record: RunRecord, snapshot: Snapshot, largest: int) -> Moment:
    caption = f"epoch {snapshot.epoch}" + (", best" if snapshot.epoch == record.best_epoch else "")
    picture: Pixels = snapshot.picture
    return Moment(caption, picture_uri(picture, largest), max(picture.shape[:2]) <= SMALL)
