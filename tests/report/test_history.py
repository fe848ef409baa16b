"""What happened when."""

import json

import numpy as np
import pytest

from piste.report.history import History
from piste.report.record import RunRecord


def history_of(tmp_path, *events: dict) -> History:
    (tmp_path / "events.jsonl").write_text(
        "".join(json.dumps({"n": i, "time": 0.0} | e) + "\n" for i, e in enumerate(events))
    )
    return History(RunRecord.read(tmp_path))


def step(number: int, epoch: int, phase: int, name: str, **terms: float) -> dict:
    values = {term: {"raw": value, "factor": 1.0, "weighted": value} for term, value in terms.items()}
    return {
        "kind": "step", "step": number, "epoch": epoch, "phase": phase, "phase_name": name,
        "loss": sum(terms.values()), "terms": values, "lr": 0.1,
    }  # fmt: skip


def epoch(number: int, phase: int, name: str, train: float, val: float, **metrics: float) -> dict:
    return {
        "kind": "epoch", "epoch": number, "phase": phase, "phase_name": name,
        "train": {"loss": train}, "val": {"loss": val, "metrics": metrics},
    }  # fmt: skip


@pytest.fixture
def two_phases(tmp_path) -> History:
    return history_of(
        tmp_path,
        {"kind": "start", "epochs": 4, "steps_per_epoch": 2},
        step(1, 1, 0, "dice", dice=0.9),
        step(2, 1, 0, "dice", dice=0.8),
        epoch(1, 0, "dice", 0.85, 0.95, iou=0.1),
        step(3, 2, 1, "focal", focal=7.0),
        step(4, 2, 1, "focal", focal=6.0),
        epoch(2, 1, "focal", 6.5, 6.1, iou=None),
        step(5, 3, 2, "dice", dice=0.5),
    )


def test_phases_are_stretches_of_epochs(two_phases):
    spans = [(span.name, span.start, span.end) for span in two_phases.spans]
    assert spans == [("dice", 0.0, 1.0), ("focal", 1.0, 2.0), ("dice", 2.0, 2.5)]
    assert two_phases.phase_names == ["dice", "focal"]


def test_nothing_connects_the_losses_of_two_phases(two_phases):
    pieces = two_phases.step_line("loss").pieces
    assert [(x.tolist(), y.tolist()) for x, y in pieces] == [
        ([0.5, 1.0], [0.9, 0.8]),
        ([1.5, 2.0], [7.0, 6.0]),
        ([2.5], [0.5]),
    ]
    of_dice = two_phases.step_line("loss", phase="dice").pieces
    assert [y.tolist() for _, y in of_dice] == [[0.9, 0.8], [0.5]]


def test_two_phases_of_the_same_loss_in_a_row_are_two(tmp_path):
    history = history_of(tmp_path, step(1, 1, 0, "dice", dice=0.9), step(2, 2, 1, "dice", dice=0.8))
    assert [(span.index, span.end) for span in history.spans] == [(0, 1.0), (1, 2.0)]
    assert len(history.step_line("loss").pieces) == 2


def test_an_average_stands_in_the_middle_of_its_epoch_and_validation_at_its_end(two_phases):
    assert [x.tolist() for x, _ in two_phases.train_line("loss").pieces] == [[0.5], [1.5]]
    assert [x.tolist() for x, _ in two_phases.val_line("loss").pieces] == [[1.0], [2.0]]


def test_a_metric_is_one_line_through_all_phases_with_gaps_where_it_is_undefined(two_phases):
    times, values = two_phases.metric_line("iou")
    assert times.tolist() == [1.0, 2.0]
    assert values[0] == 0.1
    assert np.isnan(values[1])


def test_an_unfinished_run_shows_the_time_that_is_left(two_phases):
    assert (two_phases.done, two_phases.planned) == (2.5, 4.0)


def test_a_run_that_stopped_early_ends_where_it_stopped(tmp_path):
    history = history_of(
        tmp_path,
        {"kind": "start", "epochs": 9, "steps_per_epoch": 1},
        step(1, 1, 0, "dice", dice=0.9),
        {"kind": "end", "epoch": 1, "step": 1, "status": "stopped_early"},
    )
    assert history.planned == 1.0


def test_a_term_is_plain_where_it_is_all_of_the_loss(two_phases, tmp_path):
    assert two_phases.is_plain("dice", "dice")
    weighed = step(1, 1, 0, "dice", dice=0.9)
    weighed["terms"]["dice"]["factor"] = 0.5
    folder = tmp_path / "weighed"
    folder.mkdir()
    assert not history_of(folder, weighed).is_plain("dice", "dice")


def test_a_run_that_only_began_has_an_axis(tmp_path):
    history = history_of(tmp_path, {"kind": "start", "epochs": 3, "steps_per_epoch": 5})
    assert (history.spans, history.planned, history.step_line("loss").empty) == ([], 3.0, True)
