"""Rows of pictures as one figure: the wall of validation images, and the augmented samples."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from piste.report.artefacts import Augmented, Pixels, Strips, Tile
from piste.report.canvas import new_figure
from piste.report.figures.drawing import shortened
from piste.report.figures.time import legend
from piste.report.palette import INK, MUTED
from piste.report.pictures import ERRORS, classes, dimmed, errors, outlined, painted, prediction
from piste.report.words import decimals

GAP = 8  # pixels between pictures
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
    names = [(tile.name, f"IoU {decimals(tile.score)}") for tile in tiles]
    figure = _mosaic([panels(tile, background) for tile in tiles], names, COLUMNS)
    _explain(figure, kinds)
    return figure


def compared_wall_figure(
    tiles: Sequence[Sequence[Tile]], runs: Sequence[str], background: int | None, kinds: Sequence[str]
) -> Figure:
    """A row a validation image: the image, its truth, and the errors of each run."""
    rows = []
    for of_runs in tiles:
        image, truth, *_ = panels(of_runs[0], background)
        rows.append([image, truth, *[panels(tile, background)[-1] for tile in of_runs]])
    names = [(of_runs[0].name, "") for of_runs in tiles]
    headings = ["image", "truth", *[run if len(run) <= 20 else f"{run[:19]}\u2026" for run in runs]]
    figure = _mosaic(rows, names, headings, cell=264)
    _explain(figure, kinds)
    return figure


def augmentation_figure(samples: Sequence[Augmented], background: int | None) -> Figure:
    """A row a training image: as it is, then as training saw it."""
    rows = [[outlined(image, mask, background) for image, mask in (s.original, *s.versions)] for s in samples]
    versions = [f"augmented {i + 1}" for i in range(max(len(row) for row in rows) - 1)]
    return _mosaic(rows, [(s.name, "") for s in samples], ("original", *versions))


def strips_figure(strips: Strips) -> Figure:
    """A row a sample with the pictures that its task has drawn; samples of one picture stand side by side."""
    most = max(len(sample.panels) for sample in strips.samples)
    if most > 1:
        headings = [*strips.headings[:most], *[""] * (most - len(strips.headings))]
        names = [(sample.name, "") for sample in strips.samples]
        return _mosaic([sample.panels for sample in strips.samples], names, headings)
    samples = strips.samples
    return grid_figure([sample.panels[0] for sample in samples], [sample.name for sample in samples])


def grid_figure(pictures: Sequence[Pixels], names: Sequence[str], columns: int = 6) -> Figure:
    """Pictures in rows, each under its name."""
    columns = min(columns, len(pictures))
    figure = new_figure(columns * 150, 172 * -(-len(pictures) // columns))
    spread = figure.subplots(-(-len(pictures) // columns), columns, squeeze=False).ravel()
    for axes in spread:
        axes.set_axis_off()
    for axes, picture, name in zip(spread, pictures, names, strict=False):
        axes.imshow(picture, interpolation="nearest" if max(picture.shape) < 150 else "antialiased")
        axes.set_title(shortened(name, 20), loc="left", fontsize=10, color=INK)
    return figure


def _explain(figure: Figure, kinds: Sequence[str]) -> None:
    """A legend of the kinds of error."""
    colours = ["#{:02x}{:02x}{:02x}".format(*ERRORS[kind][:3]) for kind in kinds]
    legend(figure, [Patch(color=c, label=kind) for c, kind in zip(colours, kinds, strict=True)], len(kinds))


def _mosaic(
    rows: Sequence[Sequence[Pixels]], names: Sequence[tuple[str, str]], columns: Sequence[str], cell: int = 192
) -> Figure:
    """Pictures in cells as high as the first one needs; what has another shape leaves some of its cell empty."""
    tall, wide = rows[0][0].shape[:2]
    height, step = max(cell * tall // wide, 1), cell + GAP
    down = height + GAP
    sheet = np.zeros((len(rows) * down - GAP, len(columns) * step - GAP, 4), dtype=np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            scale = min(cell / picture.shape[1], height / picture.shape[0])
            size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
            scaled = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST))
            place = sheet[i * down : i * down + size[1], j * step : j * step + size[0]]
            place[..., :3], place[..., 3] = scaled, 255
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
