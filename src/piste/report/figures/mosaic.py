"""Rows of pictures as one figure: the wall of validation images, and the augmented samples."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from piste.report.canvas import new_figure
from piste.report.figures.time import legend
from piste.report.palette import INK, MUTED
from piste.report.pictures import ERRORS, classes, dimmed, errors, outlined, painted, prediction
from piste.report.record import Augmented, Pixels, Tile
from piste.report.words import decimals

CELL = 192  # pixels of a picture
GAP = 8
COLUMNS = ("image", "truth", "prediction", "error")


def panels(tile: Tile, background: int | None) -> list[Pixels]:
    """A validation image, its truth, its prediction and its errors, as colour pictures."""
    dark = dimmed(tile.image)
    return [
        tile.image,
        painted(dark, *classes(tile.truth, background)),
        painted(dark, *prediction(tile.predicted, tile.prob, background)),
        painted(dark, *errors(tile.truth, tile.predicted, background)),
    ]


def wall_figure(tiles: Sequence[Tile], background: int | None, kinds: Sequence[str]) -> Figure:
    """A row a validation image, worst first."""
    rows = [panels(tile, background) for tile in tiles]
    names = [(tile.name, f"IoU {decimals(tile.score)}") for tile in tiles]
    figure = _mosaic(rows, names, COLUMNS)
    legend(
        figure, [Patch(color="#{:02x}{:02x}{:02x}".format(*ERRORS[kind][:3]), label=kind) for kind in kinds], len(kinds)
    )
    return figure


def augmentation_figure(samples: Sequence[Augmented], background: int | None) -> Figure:
    """A row a training image: as it is, then as training saw it."""
    rows = [[outlined(image, mask, background) for image, mask in (s.original, *s.versions)] for s in samples]
    versions = max(len(row) for row in rows) - 1
    return _mosaic(
        rows, [(s.name, "") for s in samples], ("original", *[f"augmented {i + 1}" for i in range(versions)])
    )


def _mosaic(rows: Sequence[Sequence[Pixels]], names: Sequence[tuple[str, str]], columns: Sequence[str]) -> Figure:
    tall, wide = rows[0][0].shape[:2]
    height, step = max(CELL * tall // wide, 1), CELL + GAP
    down = height + GAP
    sheet = np.zeros((len(rows) * down - GAP, len(columns) * step - GAP, 4), dtype=np.uint8)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            scaled = Image.fromarray(cell).resize((CELL, height), Image.Resampling.NEAREST)
            sheet[i * down : i * down + height, j * step : j * step + CELL, :3] = np.asarray(scaled)
            sheet[i * down : i * down + height, j * step : j * step + CELL, 3] = 255
    figure = new_figure(sheet.shape[1] // 2 + 90, sheet.shape[0] // 2 + 60)
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    for j, heading in enumerate(columns):
        axes.text(j * step, -10, heading, color=MUTED, fontsize=10)
    for i, (name, score) in enumerate(names):
        axes.text(
            -12, i * down + height / 2, f"{name}\n{score}".strip(), color=INK, fontsize=10, ha="right", va="center"
        )
    return figure
