"""What the figures draw, read back from their axes."""

import io
import json

import numpy as np
import pytest
from matplotlib.colors import to_hex

from piste.report.figures.confusion import confusion_figure
from piste.report.figures.curve import compared_curve_figure, curve_figure
from piste.report.figures.glance import glance_figure
from piste.report.figures.loss import loss_figure, panels
from piste.report.figures.metrics import compared_metrics_figure, metrics_figure
from piste.report.figures.plane import compared_plane_figure, plane_figure
from piste.report.figures.rate import rate_figure
from piste.report.figures.time import MOST_POINTS, condensed
from piste.report.history import History
from piste.report.palette import phase_colour, run_colour
from piste.report.record import RunRecord
from tests.report.test_history import epoch, history_of, step


def legend_of(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def longest_line(axes):
    return max(axes.lines, key=lambda line: np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum())


def test_each_loss_has_an_axis_of_its_own(cycle):
    history = History(RunRecord.read(cycle))
    figure = loss_figure(history, 900)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["cross_entropy", "jaccard"]
    for axes, name in zip(figure.axes, ("cross_entropy", "jaccard"), strict=True):
        drawn = np.concatenate([line.get_ydata() for line in axes.lines if len(line.get_xdata()) > 2])
        values = [e["loss"] for e in history.steps if e["phase_name"] == name]
        values += [e[split]["loss"] for e in history.epochs if e["phase_name"] == name for split in ("train", "val")]
        assert set(np.round(drawn, 9)) <= set(np.round(values, 9))


def test_no_line_of_a_loss_crosses_a_switch(cycle):
    history = History(RunRecord.read(cycle))
    switches = [span.start for span in history.spans[1:]]
    for axes in loss_figure(history, 900).axes:
        for line in axes.lines:
            x = np.asarray(line.get_xdata(), dtype=float)
            if len(set(x)) > 1:
                assert not any(x.min() < switch < x.max() for switch in switches)


def test_a_discriminators_losses_have_axes_beside_the_models(tmp_path):
    def played(number, phase, name, model, critic):
        return step(number, number, phase, name, **model) | {
            "discriminator": {key: step(1, 1, 0, "", **critic)[key] for key in ("loss", "terms")}
        }

    history = history_of(
        tmp_path,
        {"kind": "start", "epochs": 2, "steps_per_epoch": 1},
        step(1, 1, 0, "squared_error", squared_error=3.0),
        played(2, 1, "hinge", {"hinge": 0.5}, {"hinge": 2.0, "gradient_penalty": 0.25}),
    )
    assert [(panel.title, panel.path, panel.parts) for panel in panels(history)] == [
        ("squared_error", ("loss",), ()),
        ("hinge", ("loss",), ()),
        ("discriminator, hinge: loss", ("discriminator", "loss"), ("hinge", "gradient_penalty")),
        ("discriminator, hinge: raw value", ("discriminator", "terms", "hinge", "raw"), ()),
        ("discriminator, gradient_penalty: raw value", ("discriminator", "terms", "gradient_penalty", "raw"), ()),
    ]
    axes = loss_figure(history, 900).axes[2]
    assert [y for line in axes.lines for y in line.get_ydata() if len(line.get_ydata()) == 1] == [2.25]


@pytest.mark.parametrize("draw", [loss_figure, metrics_figure, rate_figure])
@pytest.mark.parametrize("width", [350, 900])
def test_phases_are_named_and_marked_on_every_plot_over_time(cycle, draw, width):
    history = History(RunRecord.read(cycle))
    figure = draw(history, width)
    assert {"cross_entropy", "jaccard"} <= set(legend_of(figure))
    for axes in figure.axes:
        bands = [to_hex(patch.get_facecolor()) for patch in axes.patches]
        assert bands.count(phase_colour(0)) == bands.count(phase_colour(1)) == 4  # two spans each: band and ribbon


def test_a_sum_shows_its_total_its_weighted_parts_and_each_raw_term(tmp_path):
    events = []
    for number in (1, 2):
        event = step(number, 1, 0, "dice + focal", dice=0.8, focal=2.0)
        event["terms"]["focal"] = {"raw": 2.0, "factor": 0.5, "weighted": 1.0}
        event["terms"]["huber"] = {"raw": 9.0, "factor": 0.0, "weighted": 0.0}
        events.append(event)
    means = {
        "dice": {"raw": 0.8, "weighted": 0.8},
        "focal": {"raw": 2.0, "weighted": 1.0},
        "huber": {"raw": 9.0, "weighted": 0.0},
    }
    ended = epoch(1, 0, "dice + focal", 1.8, 1.9)
    ended["train"]["terms"] = ended["val"]["terms"] = means
    history = history_of(tmp_path, *events, ended)
    found = panels(history)
    assert [(panel.title, panel.parts) for panel in found] == [
        ("dice + focal: loss", ("dice", "focal")),
        ("dice: raw value", ()),
        ("focal: raw value", ()),
        ("huber: raw value", ()),
    ]
    assert "focal, weighted share" in legend_of(loss_figure(history, 900))


def test_a_factor_other_than_one_shows_the_raw_term_too(tmp_path):
    event = step(1, 1, 0, "dice", dice=0.8)
    event["terms"]["dice"] = {"raw": 1.6, "factor": 0.5, "weighted": 0.8}
    assert [panel.title for panel in panels(history_of(tmp_path, event))] == ["dice", "dice: raw value"]


def test_the_path_goes_through_recall_and_precision(cycle):
    history = History(RunRecord.read(cycle))
    axes = plane_figure(history, 500).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    metrics = [event["val"]["metrics"] for event in history.epochs]
    points = axes.collections[0].get_offsets()
    assert points.tolist() == [[m["recall"], m["precision"]] for m in metrics]
    colours = [to_hex(colour) for colour in axes.collections[0].get_facecolors()]
    assert colours == [phase_colour(int(e["phase_name"] == "jaccard")) for e in history.epochs]


def test_on_a_contour_f1_is_what_its_label_says(cycle):
    axes = plane_figure(History(RunRecord.read(cycle)), 500).axes[0]
    labels = [float(text.get_text()[3:]) for text in axes.texts if text.get_text().startswith("F1")]
    contours = [line for line in axes.lines if len(line.get_xdata()) > 50]
    assert len(labels) == len(contours) == 4
    for f1, line in zip(labels, contours, strict=True):
        recall, precision = line.get_xdata(), line.get_ydata()
        assert np.allclose(2 * precision * recall / (precision + recall), f1)


def test_the_star_stands_where_the_best_epoch_was(cycle):
    record = RunRecord.read(cycle)
    axes = plane_figure(History(record), 500).axes[0]
    star = next(line for line in axes.lines if line.get_marker() == "*")
    best = next(event for event in record.epochs if event["epoch"] == record.best_epoch)["val"]["metrics"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (best["recall"], best["precision"])


@pytest.mark.parametrize("width", [350, 540])
def test_a_plane_fills_its_figure_even_without_a_best_epoch(tmp_path, width):
    figure = plane_figure(history_of(tmp_path, epoch(1, 0, "dice", 0.5, 0.5, recall=0.5, precision=0.5)), width)
    figure.savefig(io.BytesIO(), format="svg")
    assert figure.axes[0].get_window_extent().width > width - 100


def test_runs_keep_their_colours_in_every_comparison(cycle, plain):
    histories = [History(RunRecord.read(run)) for run in (cycle, plain)]
    for figure in (compared_plane_figure(histories, 500), compared_metrics_figure(histories, 900)):
        for axes in figure.axes[-1:]:
            for index, history in enumerate(histories):
                recall = history.metric_line("recall")[1]
                own = [
                    line
                    for line in axes.lines
                    if any(np.array_equal(data, recall) for data in (line.get_xdata(), line.get_ydata()))
                ]
                assert [line.get_color() for line in own] == [run_colour(index)]


@pytest.mark.parametrize(("highest", "top"), [(0.07, 0.1), (0.1, 0.1), (0.17, 0.2), (0.9, 1.0)])
def test_low_metrics_get_a_scale_that_shows_them(tmp_path, highest, top):
    history = history_of(
        tmp_path, epoch(1, 0, "dice", 0.5, 0.5, iou=highest, recall=None), epoch(2, 0, "dice", 0.5, 0.5, iou=0.0)
    )
    assert metrics_figure(history, 900).axes[0].get_ylim() == (0, top)
    assert compared_metrics_figure([history, history], 900).axes[1].get_ylim() == (0, top)


def test_a_confusion_matrix_has_the_truth_in_its_rows():
    figure = confusion_figure([[90, 10], [3, 1]], ["land", "lake"], 500)
    axes = figure.axes[0]
    at = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in axes.texts[::2]}
    assert at[(1, 0)].startswith("10")  # land taken for lake: column 1, row 0
    assert at[(0, 1)].startswith("75")  # lake taken for land
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_curves_have_recall_below_and_precision_beside(cycle, plain):
    records = [RunRecord.read(run) for run in (cycle, plain)]
    curves = [records[0].evaluated(split)["curves"]["lake"] for split in ("val", "test")]
    shown = {tuple(line.get_xdata()): tuple(line.get_ydata()) for line in curve_figure(records[0], 500).axes[0].lines}
    for curve in curves:
        assert shown[tuple(curve["recall"])] == tuple(curve["precision"])
    shown = {tuple(line.get_xdata()): line for line in compared_curve_figure(records, "test", 500).axes[0].lines}
    for index, record in enumerate(records):
        curve = record.evaluated("test")["curves"]["lake"]
        line = shown[tuple(curve["recall"])]
        assert line.get_ydata().tolist() == curve["precision"]
        assert line.get_color() == run_colour(index)


def test_the_curve_marks_the_two_thresholds(cycle):
    record = RunRecord.read(cycle)
    axes = curve_figure(record, 500).axes[0]
    scores = json.loads((cycle / "summary.json").read_text())["val"]
    for marker, choice in (("o", "default"), ("D", "best_threshold")):
        mark = next(line for line in axes.lines if line.get_marker() == marker)
        assert mark.get_xdata()[0] == pytest.approx(scores[choice]["recall"], abs=1e-6)
        assert mark.get_ydata()[0] == pytest.approx(scores[choice]["precision"], abs=1e-6)


def test_a_glance_shows_both_thresholds_of_each_run():
    default, best = [{"iou": 0.4}, {"iou": 0.6}], [{"iou": 0.5}, {}]
    axes = glance_figure(["a", "b"], default, best, 900).axes[0]
    filled = [
        line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "none"
    ]
    hollow = [
        line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "none"
    ]
    assert filled == [0.4, 0.6]
    assert hollow == [0.5]


def test_many_steps_become_means_with_their_range():
    x = np.arange(2 * MOST_POINTS, dtype=float)
    y = np.where(x % 2, 1.0, 3.0)
    _, mean, low, high = condensed(x, y)
    assert len(mean) == MOST_POINTS
    assert set(mean) == {2.0}
    assert (set(low), set(high)) == ({1.0}, {3.0})


@pytest.mark.parametrize("terms", [{"dice": 0.5}, {"gradient_consistency": 0.5, "generalized_cross_entropy": 0.25}])
def test_a_legend_of_losses_fits_the_page(tmp_path, terms):
    name = " + ".join(terms)
    start = {"kind": "start", "epochs": 2, "steps_per_epoch": 1}
    figure = loss_figure(history_of(tmp_path, start, step(1, 1, 0, name, **terms), step(2, 2, 0, name, **terms)), 900)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1
