"""What a run says of its metrics, and what the report makes of it."""

import math

import numpy as np
import pytest

from piste.report.figures.glance import glance_figure
from piste.report.figures.metrics import compared_metrics_figure, metrics_figure, shown_metrics
from piste.report.history import History
from piste.report.measures import Measures
from piste.report.palette import run_colour
from piste.report.record import RunRecord
from piste.report.scores import part_table, score_table
from piste.report.tables import comparison_rows
from tests.report.test_history import epoch, history_of

OWN = Measures.declared(
    {
        "key_metrics": ["psnr", "wrong"],
        "metrics": {
            "psnr": {"label": "PSNR (dB)", "share": False},
            "wrong": {"label": "Wrong", "smaller_is_better": True, "share": True},
        },
    }
)


def test_runs_that_say_nothing_are_judged_as_segmentation():
    measures = Measures.declared({}, {"key_metrics": None})
    assert measures.key[:2] == ("iou", "f1")
    assert measures.label("object_recall/lake") == "Objects: recall, lake"


def test_the_summary_goes_before_the_start_of_the_log():
    declared = Measures.declared({}, {"key_metrics": ["a"], "metrics": {"a": {"label": "A"}}})
    assert (declared.key, declared.label("a/x")) == (("a",), "A, x")
    first = Measures.declared({"key_metrics": ["b"], "metrics": {}}, {"key_metrics": ["a"], "metrics": {}})
    assert first.key == ("b",)


@pytest.mark.parametrize(
    ("name", "value", "text", "shown"),
    [
        ("psnr", 28.4123, "28.41", "28.41"),
        ("psnr", math.nan, "\u2013", "\u2013"),
        ("wrong", 0.0314, "0.031", "3.1 %"),
        ("wrong", 0.41, "0.410", "41.0 %"),
        ("f1/cat", 0.41, "0.410", "0.410"),
        ("nobody knows", -3.0, "\u22123.000", "\u22123.000"),
    ],
)
def test_shares_are_percentages_and_other_numbers_have_digits_that_say_something(name, value, text, shown):
    assert OWN.text(name, value) == text
    assert OWN.shown(name, value).replace("\u00a0", " ") == shown


def test_the_best_is_the_smallest_where_small_is_good():
    assert OWN.better("wrong", [0.3, 0.1, math.nan]) == 0.1
    assert OWN.better("psnr", [30.0, 31.0]) == 31.0
    assert math.isnan(OWN.better("psnr", [math.nan]))


def test_key_metrics_come_first_in_tables():
    assert OWN.in_order(["extra", "wrong", "psnr", "psnr/x"]) == ["psnr", "wrong", "extra"]


def test_shares_share_an_axis_and_every_other_number_has_its_own(sharp):
    history = History(RunRecord.read(sharp))
    axes = metrics_figure(history, 900).axes
    assert [each.get_title(loc="left") for each in axes] == [
        "PSNR (dB)", "Structure", "Mean error (grey levels), lower is better",
    ]  # fmt: skip
    for each, metric in zip(axes, ("psnr", "structure", "off"), strict=True):
        line = max(each.lines, key=lambda line: len(line.get_xdata()))
        assert np.array_equal(line.get_ydata(), history.metric_line(metric)[1])


def test_shares_that_should_be_small_are_apart_from_those_that_should_be_large(digits):
    history = History(RunRecord.read(digits))
    axes = metrics_figure(history, 900).axes
    assert [each.get_title(loc="left") for each in axes] == ["Higher is better", "Error rate, lower is better"]


def test_the_best_epoch_is_marked_on_the_metric_that_chose_it(digits):
    record = RunRecord.read(digits)
    axes = metrics_figure(History(record), 900).axes[0]
    (ring,) = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "none"]
    value = record.of_kind("best")[-1]["value"]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (record.best_epoch, value)


def test_a_metric_that_chose_the_best_epoch_is_shown_though_it_is_no_key_metric(tmp_path):
    best = {"n": 9, "kind": "best", "time": 1.0, "epoch": 1, "metric": "recall/lake", "value": 0.5}
    history = history_of(tmp_path, epoch(1, 0, "dice", 0.5, 0.5, iou=0.4, **{"recall/lake": 0.5}), best)
    assert shown_metrics(history) == ["recall/lake", "iou"]
    drawn = metrics_figure(history, 900).axes[0].lines
    assert [line.get_ydata()[0] for line in drawn if line.get_color() == run_colour(0)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("values", "ends"),
    [((0.2, 0.95), (0, 1)), ((0.6, 0.95), (0.5, 1)), ((0.91, 0.99), (0.9, 1)), ((0.01, 0.09), (0, 0.1))],
)
def test_shares_that_are_all_high_are_shown_nearer(tmp_path, values, ends):
    epochs = [epoch(i + 1, 0, "dice", 0.5, 0.5, iou=value) for i, value in enumerate(values)]
    assert metrics_figure(history_of(tmp_path, *epochs), 900).axes[0].get_ylim() == ends


def test_an_error_rate_above_one_is_drawn(tmp_path):
    history = history_of(tmp_path, epoch(1, 0, "ctc", 0.5, 0.5, iou=1.4), epoch(2, 0, "ctc", 0.5, 0.5, iou=0.2))
    low, high = metrics_figure(history, 900).axes[0].get_ylim()
    assert low <= 0.2 < 1.4 <= high


def test_runs_are_compared_on_their_own_metrics(sharp, digits):
    history = History(RunRecord.read(sharp))
    titles = [axes.get_title(loc="left") for axes in compared_metrics_figure([history, history], 900).axes[1:]]
    assert titles == ["PSNR (dB)", "Structure", "Mean error (grey levels), lower is better"]


def test_a_glance_gives_numbers_that_are_no_shares_a_scale_of_their_own():
    figure = glance_figure(["a", "b"], [{"psnr": 28.0, "wrong": 0.1}, {"psnr": 31.0, "wrong": 0.2}], [{}, {}], 900, OWN)
    shares, decibels = figure.axes
    assert shares.get_xlim() == (0, 1)
    low, high = decibels.get_xlim()
    assert 20 < low < 28 < 31 < high < 40
    assert [text.get_text() for text in shares.get_yticklabels()] == ["Wrong\nlower is better"]


def test_rows_of_a_comparison_rank_by_what_is_better_and_count_in_the_digits_shown(sharp, duller):
    rows = {row.label: row for row in comparison_rows([sharp, duller]) if not row.heading}
    headings = [row.label for row in comparison_rows([sharp, duller]) if row.heading]
    assert headings == ["Validation, default", "Validation, blurred"]
    first, second = RunRecord.read(sharp).scores("val", "blurred"), RunRecord.read(duller).scores("val", "blurred")
    assert rows["PSNR (dB)"].texts == (f"{first['psnr']:.2f}", f"{second['psnr']:.2f}")
    default = {row.label: row for row in comparison_rows([sharp, duller])[:4]}
    assert default["PSNR (dB)"].best == {0}
    assert default["Mean error (grey levels)"].best == {0}
    change = round(RunRecord.read(duller).scores("val", "default")["psnr"], 2)
    change -= round(RunRecord.read(sharp).scores("val", "default")["psnr"], 2)
    assert default["PSNR (dB)"].distance(1) == f"\u2212{abs(change):.2f}"


def test_many_classes_have_a_table_of_their_own_the_weakest_first(digits):
    record = RunRecord.read(digits)
    table, scores = part_table(record), record.scores("test", "default")
    assert table.columns == ["F1", "Precision", "Recall"]
    firsts = [float(row.cells[0]) for row in table.rows]
    assert firsts == sorted(firsts)
    assert {row.label: row.cells[0] for row in table.rows}["nine"] == f"{scores['f1/nine']:.3f}"
    labels = [row.label for row in score_table(record).rows]
    assert labels == ["Accuracy", "F1", "Precision", "Recall", "Error rate"]
    assert sum(row.label == "F1, nine" for row in comparison_rows([digits, digits])) == 2
    assert not any(row.label.startswith("Recall, ") for row in comparison_rows([digits, digits]))


def test_whether_a_share_is_read_in_percent_is_said_by_the_run_and_else_known_by_its_name():
    facts = {"overlap": {"share": True, "percent": False}, "found": {"share": True, "percent": True}, "iou": {}}
    measures = Measures.declared({"key_metrics": ["iou"], "metrics": facts})
    shown = [measures.shown(name, 0.4132).replace("\u00a0", " ") for name in ("overlap", "found", "iou", "recall")]
    assert shown == ["0.413", "41.3 %", "0.413", "41.3 %"]
