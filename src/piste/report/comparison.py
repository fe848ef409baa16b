"""Runs side by side: what they find, what differs in their recipes, and the same images through each."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from piste.report.canvas import FULL, HALF, Picture, picture, save_png
from piste.report.document import write_page
from piste.report.figures.curve import compared_curve_figure, curves_of
from piste.report.figures.glance import glance_figure
from piste.report.figures.metrics import compared_metrics_figure, shown_metrics
from piste.report.figures.mosaic import compared_wall_figure
from piste.report.figures.plane import compared_plane_figure, has_plane
from piste.report.history import History
from piste.report.page import OPEN_TILES
from piste.report.palette import css_variable, run_colour
from piste.report.recipes import differences
from piste.report.record import RunRecord
from piste.report.scores import check_one_task, scores_or_latest
from piste.report.story import comparison_story
from piste.report.strips import compared_strips
from piste.report.tables import rows_of
from piste.report.wall import class_legend, compared_wall, error_kinds, error_legend, shared_tiles
from piste.report.words import SPLITS


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Write a page that puts runs side by side, and its figures.

    No value of a loss is on it: values of different losses can't be ranked, nor share an axis.

    Args:
        runs: folders of two runs or more, in any state; the first is what the others are measured against.
        out: the folder to write `comparison.html` and `figures/` to; made where it isn't there.

    Returns:
        The page.

    Raises:
        FileNotFoundError: one of the folders holds no run.
        ValueError: fewer than two runs, or runs of different tasks.
    """
    if len(runs) < 2:
        raise ValueError(f"a comparison takes two runs or more; got {len(runs)}")
    records = [RunRecord.read(run) for run in runs]
    check_one_task(records)
    split = "test" if any(record.scores("test", "default") for record in records) else "val"
    tiles = shared_tiles(records)[:OPEN_TILES]
    if tiles:
        background, kinds = records[0].summary.get("background"), error_kinds(records)
        names = [record.name for record in records]
        save_png(compared_wall_figure(tiles, names, background, kinds), out / "figures" / "wall.png")
    strips = compared_strips(records)
    return write_page(
        out / "comparison.html",
        "comparison.html",
        records=records,
        colours=[css_variable(run_colour(index)) for index in range(len(records))],
        stories=[comparison_story(record) for record in records],
        rows=rows_of(records),
        differences=differences([record.recipe for record in records]),
        figures=_figures(records, split, out / "figures"),
        split=SPLITS[split],
        tiles=compared_wall(records),
        strips=strips,
        open_tiles=OPEN_TILES,
        legend=error_legend(records),
        class_legend=class_legend(records),
    )


def _figures(records: Sequence[RunRecord], split: str, folder: Path) -> dict[str, Picture | None]:
    """The figures that these runs have something for, by name; None for the others."""
    histories = [History(record) for record in records]
    names = ", ".join(record.name for record in records)
    measures = records[0].measures
    started = [history for history in histories if shown_metrics(history)]
    default, best = ([scores_or_latest(r, split, choice) for r in records] for choice in ("default", "best_threshold"))
    painters: dict[str, tuple[bool, str, Callable[[int], Figure], int]] = {
        "glance": (
            any(default),
            f"Scores of {names} on {SPLITS[split]}" + (", at 0.5 and at the best threshold" if any(best) else ""),
            lambda width: glance_figure([record.name for record in records], default, best, width, measures),
            FULL,
        ),
        "plane": (
            any(has_plane(history) for history in histories),
            f"The paths of {names} in the plane of recall and precision, with contours of equal F1",
            lambda width: compared_plane_figure(histories, width),
            HALF,
        ),
        "metrics": (
            bool(started),
            f"Key metrics of {names} on validation after each epoch",
            lambda width: compared_metrics_figure(histories, width),
            FULL,
        ),
    }
    for each, called in SPLITS.items():
        painters[f"curve_{each}"] = (
            any(curves_of(record, each) for record in records),
            f"Precision against recall of {names} at every threshold, on {called}",
            lambda width, each=each: compared_curve_figure(records, each, width),  # type: ignore[misc]
            HALF,
        )
    return {
        name: picture(name, alt, painter, width, folder) if there else None
        for name, (there, alt, painter, width) in painters.items()
    }
