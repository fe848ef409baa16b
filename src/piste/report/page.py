"""The page of one run: what it found, in words, in pictures, and in curves."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from piste.report.canvas import FULL, HALF, Picture, picture, save_png
from piste.report.classes import classes_of
from piste.report.document import write_page
from piste.report.drawings import asked_figures
from piste.report.figures.classes import classes_figure
from piste.report.figures.confusion import confusion_figure
from piste.report.figures.curve import curve_figure, curves_of
from piste.report.figures.loss import loss_figure
from piste.report.figures.metrics import metrics_figure, metrics_told, shown_metrics
from piste.report.figures.mosaic import augmentation_figure, grid_figure, strips_figure, wall_figure
from piste.report.figures.plane import has_plane, plane_figure
from piste.report.figures.rate import rate_figure
from piste.report.history import History
from piste.report.pictures import outlined, photo_uri
from piste.report.record import RunRecord
from piste.report.scores import part_table, score_table
from piste.report.snapshots import evenly, moments
from piste.report.story import facts, headline, key_numbers, milestones, threshold_sentence, thresholds
from piste.report.strips import strip_wall
from piste.report.wall import class_legend, error_kinds, error_legend, wall
from piste.report.words import SPLITS

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
    troubles = list(record.unreadable)
    asked = asked_figures(record, figures, troubles)
    background = record.summary.get("background")
    kinds = error_kinds([record])
    if record.wall:
        save_png(wall_figure(record.wall[:OPEN_TILES], background, kinds), figures / "wall.png")
    if record.augmented:
        save_png(augmentation_figure(record.augmented, background), figures / "augmentation.png")
    for name, strips in (("wall", record.strips), ("augmentation", record.augmented_strips)):
        if strips.samples:
            save_png(strips_figure(strips._replace(samples=strips.samples[:OPEN_TILES])), figures / f"{name}.png")
    seen = moments(record)
    if record.snapshots:
        shown_epochs = evenly(record.snapshots, OPEN_TILES)
        pictures, names = [s.picture for s in shown_epochs], [f"epoch {s.epoch}" for s in shown_epochs]
        save_png(grid_figure(pictures, names), figures / "snapshots.png")
    scores = score_table(record)
    return write_page(
        run / "report.html",
        "run.html",
        record=record,
        unreadable=troubles,
        history=history,
        headline=headline(record),
        numbers=key_numbers(record),
        facts=facts(record),
        milestones=milestones(record),
        figures=shown,
        tiles=wall(record),
        strips=strip_wall(record.strips),
        moments=seen,
        asked=asked,
        open_tiles=OPEN_TILES,
        legend=error_legend([record]),
        class_legend=class_legend([record]),
        scores=scores,
        thresholds=thresholds(record),
        threshold_sentence=threshold_sentence(record),
        parts_table=part_table(record),
        classes=classes_of(record),
        augmented_strips=strip_wall(record.augmented_strips),
        augmented=[
            (sample.name, [photo_uri(outlined(*pair, background)) for pair in (sample.original, *sample.versions)])
            for sample in record.augmented
        ],
    )


def _figures(record: RunRecord, history: History, folder: Path) -> dict[str, Picture | None]:
    """The figures that this run has something for, by name; None for the others."""
    names, confusion = record.classes, {split: record.evaluated(split).get("confusion") or [] for split in SPLITS}
    classes = classes_of(record)
    metrics = shown_metrics(history)
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
            bool(metrics),
            metrics_told(history, metrics),
            lambda width: metrics_figure(history, width),
            FULL,
        ),
        "plane": (
            has_plane(history),
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
            classes.drawn,
            "Share of the training data and weight of each class",
            lambda width: classes_figure(names, classes.counts, classes.weights, width, classes.measure),
            HALF,
        ),
    }
    return {
        name: picture(name, alt, painter, width, folder) if there else None
        for name, (there, alt, painter, width) in painters.items()
    }
