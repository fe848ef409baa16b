"""The wall of validation images as the page holds it: one photograph a tile, and layers of colour over it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from piste.metrics.percent import SPACE, percent
from piste.report.artefacts import Tile
from piste.report.pictures import ERRORS, IGNORE, class_colour, classes, errors, overlay_uri, photo_uri, prediction
from piste.report.record import RunRecord
from piste.report.words import decimals


class Layer(NamedTuple):
    """Colours over a darkened photograph.

    Args:
        heading: what it shows.
        uri: its picture.
        alt: the same in words.
        note: a line under it; may be empty.
        run: place of its run in a comparison; -1 for none.
    """

    heading: str
    uri: str
    alt: str
    note: str = ""
    run: int = -1


class WallTile(NamedTuple):
    """One validation image."""

    name: str
    score: str
    photo: str
    ratio: str
    layers: list[Layer]


def wall(record: RunRecord) -> list[WallTile]:
    """Each image with its truth, its prediction and its errors, worst first."""
    background = record.summary.get("background")
    return [
        _tile(
            tile,
            [
                _truth(tile, background),
                Layer(
                    "prediction",
                    overlay_uri(*prediction(tile.predicted, tile.prob, background)),
                    f"{tile.name}: predicted {_share(tile.predicted, background)}",
                ),
                _errors(tile, background, "error"),
            ],
        )
        for tile in record.wall
    ]


def compared_wall(records: Sequence[RunRecord]) -> list[WallTile]:
    """The images that all runs were shown, with the truth and each run's errors."""
    backgrounds = [record.summary.get("background") for record in records]
    found = []
    for tiles in shared_tiles(records):
        layers = [_truth(tiles[0], backgrounds[0])]
        for index, (record, tile) in enumerate(zip(records, tiles, strict=True)):
            layer = _errors(tile, backgrounds[index], record.name)
            layers.append(layer._replace(note=f"IoU{SPACE}{decimals(tile.score)}", run=index))
        found.append(_tile(tiles[0], layers)._replace(score=""))
    return found


def shared_tiles(records: Sequence[RunRecord]) -> list[list[Tile]]:
    """The images that all runs were shown, each with a tile a run.

    Those on which the runs differ most come first, and of equal ones the worst. An image with no foreground in truth
    and prediction has nothing wrong: it counts as an IoU of 1.
    """
    by_name = [{tile.name: tile for tile in record.wall} for record in records]
    shared = [[tiles[name] for tiles in by_name] for name in by_name[0] if all(name in tiles for tiles in by_name)]

    def rank(tiles: list[Tile]) -> tuple[float, float]:
        scores = [1.0 if math.isnan(tile.score) else tile.score for tile in tiles]
        return (min(scores) - max(scores), sum(scores))

    return sorted(shared, key=rank)


def error_kinds(records: Sequence[RunRecord]) -> list[str]:
    """The kinds of error that the walls of these runs can show, for a legend."""
    kinds = ["hit", "miss", "false alarm"]
    if any(len(record.foreground) > 1 for record in records):
        kinds.append("wrong class")
    if any((tile.truth == IGNORE).any() for record in records for tile in record.wall):
        kinds.append("not counted")
    return kinds


def error_legend(records: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """What the colours of the wall mean: a kind of error and its colour."""
    return [(kind, "rgb({} {} {})".format(*ERRORS[kind][:3])) for kind in error_kinds(records)]


def class_legend(records: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """The colours of the classes, where there are several."""
    first = records[0]
    if len(first.foreground) < 2 or any(record.classes != first.classes for record in records):
        return []
    background = first.summary.get("background")
    return [
        (name, "rgb({} {} {})".format(*class_colour(index, background)))
        for index, name in enumerate(first.classes)
        if index != background
    ]


def _tile(tile: Tile, layers: list[Layer]) -> WallTile:
    height, width = tile.image.shape[:2]
    return WallTile(
        tile.name, f"IoU{SPACE}{decimals(tile.score)}", photo_uri(tile.image), f"{width} / {height}", layers
    )


def _truth(tile: Tile, background: int | None) -> Layer:
    return Layer(
        "truth", overlay_uri(*classes(tile.truth, background)), f"{tile.name}: truth, {_share(tile.truth, background)}"
    )


def _errors(tile: Tile, background: int | None, heading: str) -> Layer:
    codes, colours = errors(tile.truth, tile.predicted, background)
    counts = np.bincount(codes.ravel(), minlength=len(colours))[1:4].tolist()
    told = ", ".join(f"{number} {kind}" for number, kind in zip(counts, list(ERRORS)[:3], strict=True))
    return Layer(heading, overlay_uri(codes, colours), f"{tile.name}: {heading}, pixels: {told}")


def _share(mask: np.ndarray, background: int | None) -> str:
    return f"{percent(float(((mask != background) & (mask != IGNORE)).mean()))} foreground"
