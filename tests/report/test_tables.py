"""Runs side by side, and a run at two thresholds."""

import json
import math

import pytest

from piste.report.recipes import differences
from piste.report.record import RunRecord
from piste.report.scores import score_table
from piste.report.tables import Row, comparison_rows
from piste.report.words import signed


def section(rows, heading: str) -> dict:
    """The rows under a heading, by label."""
    start = next(i for i, row in enumerate(rows) if row.heading and row.label == heading)
    found = {}
    for row in rows[start + 1 :]:
        if row.heading:
            break
        found[row.label] = row
    return found


def summary(run) -> dict:
    return json.loads((run / "summary.json").read_text())


def test_groups_come_in_the_order_in_which_choices_are_made(cycle, plain):
    headings = [row.label for row in comparison_rows([cycle, plain]) if row.heading]
    assert headings == [
        "Validation, threshold 0.5",
        "Validation, best threshold",
        "Test, threshold 0.5",
        "Test, best threshold",
    ]


@pytest.mark.parametrize(
    ("heading", "split", "choice"),
    [
        ("Validation, threshold 0.5", "val", "default"),
        ("Validation, best threshold", "val", "best_threshold"),
        ("Test, threshold 0.5", "test", "default"),
        ("Test, best threshold", "test", "best_threshold"),
    ],
)
def test_every_number_is_the_summary_s(cycle, plain, heading, split, choice):
    rows = section(comparison_rows([cycle, plain]), heading)
    for label, metric in (
        ("IoU", "iou"),
        ("Precision", "precision"),
        ("Recall", "recall"),
        ("Objects: F1", "object_f1"),
    ):
        expected = tuple(summary(run)[split][choice][metric] for run in (cycle, plain))
        assert rows[label].values == expected
        assert rows[label].texts == tuple(f"{value:.3f}" for value in expected)


def test_the_best_of_each_row_is_marked(cycle, plain):
    rows = section(comparison_rows([cycle, plain]), "Test, threshold 0.5")
    for row in rows.values():
        better = min if row.label == "Objects: count error" else max
        assert [row.values[i] for i in row.best] in ([], [better(row.values)])


def test_fewer_miscounted_objects_are_better(cycle, plain, tmp_path):
    rows = section(comparison_rows([cycle, plain]), "Test, threshold 0.5")
    errors = rows["Objects: count error"].values
    assert errors[0] != errors[1]
    assert rows["Objects: count error"].best == {errors.index(min(errors))}


def test_nothing_is_marked_where_all_are_equal(cycle):
    rows = comparison_rows([cycle, cycle])
    assert all(not row.best for row in rows)
    assert {row.distance(1) for row in rows if row.values and not math.isnan(row.values[0])} <= {"0", ""}


def test_a_distance_is_that_of_the_digits_shown():
    row = Row("IoU", (0.1844, 0.1846, math.nan), ("0.184", "0.185", "\u2013"))
    assert [row.distance(run) for run in range(3)] == ["0", "+0.001", ""]


def test_thresholds_are_shown_and_never_ranked(cycle, plain):
    row = section(comparison_rows([cycle, plain]), "Test, best threshold")["Threshold, lake"]
    assert row.values == tuple(summary(run)["thresholds"]["best"]["lake"] for run in (cycle, plain))
    assert row.best == frozenset()
    assert row.distance(1) == ""


def test_no_loss_is_ranked(cycle, plain):
    labels = " ".join(row.label for row in comparison_rows([cycle, plain])).lower()
    assert not any(word in labels for word in ("loss", "entropy", "jaccard"))


def test_an_unfinished_run_shows_its_last_epoch(cycle, killed):
    rows = comparison_rows([cycle, killed])
    last = RunRecord.read(killed).metrics_at(-1)
    assert section(rows, "Validation, threshold 0.5")["IoU"].values[1] == last["iou"]
    assert math.isnan(section(rows, "Test, threshold 0.5")["IoU"].values[1])
    assert section(rows, "Test, threshold 0.5")["IoU"].texts[1] == "\u2013"


def test_a_threshold_s_change_is_best_minus_default(cycle):
    rows = {row.label: row.cells for row in score_table(RunRecord.read(cycle)).rows}
    scores = summary(cycle)
    for place, split in enumerate(("val", "test")):
        plain, best, change = rows["Recall"][3 * place : 3 * place + 3]
        expected = [scores[split][choice]["recall"] for choice in ("default", "best_threshold")]
        assert [plain, best] == [f"{value:.3f}" for value in expected]
        assert change == signed(round(expected[1], 3) - round(expected[0], 3))


def test_only_differing_keys_are_shown():
    found = differences(
        [
            {"seed": 0, "optimizer": {"adamw": {"lr": 0.1, "decay": 0}}, "loss": {"dice": {}}, "same": [1, 2]},
            {
                "seed": 0,
                "optimizer": {"adamw": {"lr": 0.2, "decay": 0}},
                "loss": {"cycle": {"times": 3}},
                "same": [1, 2],
            },
        ]
    )
    assert found == [("optimizer.adamw.lr", ["0.1", "0.2"]), ("loss", ["dice: {}", "cycle: {times: 3}"])]


def test_a_key_that_one_recipe_lacks_is_a_dash():
    assert differences([{"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}]) == [("a.c", ["2", "\u2013"])]


def test_equal_recipes_differ_in_nothing():
    assert differences([{"a": 1}, {"a": 1}, {"a": 1}]) == []
