"""The page of one run: what it found, in words, in pictures, and in curves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from piste.report.canvas import Picture, picture, save_png
from piste.report.document import write_page
from piste.report.figures.classes import classes_figure
from piste.report.figures.confusion import confusion_figure
from piste.report.figures.curve import curve_figure, curves_of
from piste.report.figures.loss import loss_figure
from piste.report.figures.metrics import metrics_figure
from piste.report.figures.mosaic import augmentation_figure, wall_figure
from piste.report.figures.plane import plane_figure
from piste.report.figures.rate import rate_figure
from piste.report.history import History
from piste.report.pictures import outlined, photo_uri
from piste.report.record import RunRecord
from piste.report.story import facts, headline, key_numbers, milestones, threshold_sentence
from piste.report.tables import threshold_rows
from piste.report.wall import class_legend, error_kinds, error_legend, wall
from piste.report.words import SPLITS, grouped, percent

FULL, HALF = 1120, 540  # CSS pixels of a figure that has the page's width, or half of it
OPEN_TILES = 12


def write_report(run: Path) -> Path:
    """Write a run's `report.html` and its figures; what the run doesn't have yet is left out.

    Args:
        run: the run's folder, in any state: going on, finished or failed.

    Returns:
        The page.

    Raises:
        FileNotFoundError: the folder holds no run.
    """
    record = RunRecord.read(run)
    history = History(record)
    figures = run / "figures"
    shown = _figures(record, history, figures)
    background = record.summary.get("background")
    kinds = error_kinds([record])
    if record.wall:
        save_png(wall_figure(record.wall[:OPEN_TILES], background, kinds), figures / "wall.png")
    if record.augmented:
        save_png(augmentation_figure(record.augmented, background), figures / "augmentation.png")
    tiles = wall(record)
    return write_page(
        run / "report.html",
        "run.html",
        record=record,
        history=history,
        headline=headline(record),
        numbers=key_numbers(record),
        facts=facts(record),
        milestones=milestones(record),
        figures=shown,
        tiles=tiles,
        open_tiles=OPEN_TILES,
        legend=error_legend([record]),
        class_legend=class_legend([record]),
        thresholds=threshold_rows(record),
        threshold_splits=[name for split, name in SPLITS.items() if record.scores(split, "default")],
        threshold_sentence=threshold_sentence(record),
        weight_terms=list(record.summary.get("weights") or {}),
        classes=_classes(record),
        augmented=[
            (sample.name, [photo_uri(outlined(*pair, background)) for pair in (sample.original, *sample.versions)])
            for sample in record.augmented
        ],
    )


def _figures(record: RunRecord, history: History, folder: Path) -> dict[str, Picture | None]:
    """The figures that this run has something for, by name; None for the others."""
    names, confusion = record.classes, {split: record.evaluated(split).get("confusion") or [] for split in SPLITS}
    counts = record.summary.get("counts", {}).get("pixels")
    weights = record.summary.get("weights") or {}
    phases = ", ".join(history.phase_names)
    painters: dict[str, tuple[bool, str, Callable[[int], Figure], int]] = {
        "loss": (
            bool(history.steps),
            f"The loss of each step and epoch, on an axis for each phase: {phases}",
            lambda width: loss_figure(history, width),
            FULL,
        ),
        "learning_rate": (
            bool(history.steps),
            "The learning rate of each step",
            lambda width: rate_figure(history, width),
            FULL,
        ),
        "metrics": (
            bool(history.epochs),
            "Validation IoU, precision, recall and F1 of objects after each epoch",
            lambda width: metrics_figure(history, width),
            FULL,
        ),
        "plane": (
            bool(history.epochs),
            "The path of each epoch in the plane of recall and precision, with contours of equal F1",
            lambda width: plane_figure(history, width),
            HALF,
        ),
        "curve": (
            bool(curves_of(record, "val")),
            "Precision against recall at every threshold, on validation and test",
            lambda width: curve_figure(record, width),
            HALF,
        ),
        "confusion": (
            bool(confusion["val"]),
            "Confusion matrix of the validation pixels, rows are the truth",
            lambda width: confusion_figure(confusion["val"], names, width),
            HALF,
        ),
        "confusion_test": (
            bool(confusion["test"]),
            "Confusion matrix of the test pixels, rows are the truth",
            lambda width: confusion_figure(confusion["test"], names, width),
            HALF,
        ),
        "classes": (
            bool(counts),
            "Share of the training pixels and weight of each class",
            lambda width: classes_figure(names, counts or [], weights, width),
            HALF,
        ),
    }
    return {
        name: picture(name, alt, painter, width, folder) if there else None
        for name, (there, alt, painter, width) in painters.items()
    }


def _classes(record: RunRecord) -> list[dict[str, Any]]:
    """A row a class: pixels, share, images, and the weight of each weighted term."""
    counts = record.summary.get("counts") or {}
    pixels = counts.get("pixels", [])
    weights = record.summary.get("weights") or {}
    return [
        {
            "name": name,
            "pixels": grouped(pixels[i]),
            "share": percent(pixels[i] / max(sum(pixels), 1)),
            "images": counts["images"][i] if "images" in counts else "",
            "weights": [f"{each[i]:.4g}" for each in weights.values()],
        }
        for i, name in enumerate(record.classes)
        if pixels
    ]
