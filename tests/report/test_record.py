"""Reading a run in any state."""

import json
import math
import shutil

import pytest

from piste.report.record import RunRecord


def test_a_finished_run_is_read_whole(cycle):
    record = RunRecord.read(cycle)
    assert record.status == "finished"
    assert record.classes == ["background", "lake"]
    assert record.foreground == ["lake"]
    assert len(record.epochs) == 12
    assert (
        record.scores("val", "default")["iou"]
        == json.loads((cycle / "summary.json").read_text())["val"]["default"]["iou"]
    )
    assert len(record.wall) == 12
    assert len(record.augmented[0].versions) == 4
    assert record.unreadable == []


def test_the_wall_keeps_the_order_of_the_file(cycle):
    scores = [tile.score for tile in RunRecord.read(cycle).wall]
    known = [score for score in scores if not math.isnan(score)]
    assert known == sorted(known)
    assert scores[: len(known)] == known


def test_a_run_without_a_summary_knows_its_classes_from_its_metrics(killed):
    record = RunRecord.read(killed)
    assert record.status == "unfinished"
    assert record.classes == ["background", "lake"]
    assert record.foreground == ["lake"]
    assert record.scores("val", "default") == {}


def test_a_failure_counts_until_the_run_goes_on(failed, tmp_path):
    assert RunRecord.read(failed).status == "failed"
    resumed = tmp_path / "resumed"
    shutil.copytree(failed, resumed)
    with open(resumed / "events.jsonl", "a") as file:
        file.write('{"n":null,"kind":"resume","time":1.0,"epoch":3}\n')
    assert RunRecord.read(resumed).status == "unfinished"


def test_null_reads_as_not_a_number(cycle, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "events.jsonl").write_text('{"n":0,"kind":"epoch","time":1,"epoch":1,"val":{"metrics":{"iou":null}}}\n')
    assert math.isnan(RunRecord.read(folder).metrics_at(-1)["iou"])


@pytest.mark.parametrize("name", ["summary.json", "evaluation.json", "wall.npz", "augmented.npz", "recipe.yaml"])
def test_a_file_cut_short_is_named_and_the_rest_is_read(cycle, tmp_path, name):
    folder = tmp_path / "run"
    shutil.copytree(cycle, folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(b"{" if name == "recipe.yaml" else whole[: len(whole) // 2])
    record = RunRecord.read(folder)
    assert record.unreadable == [name]
    assert len(record.epochs) == 12


def test_half_a_last_event_is_left_alone(killed, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(killed, folder)
    before = len(RunRecord.read(folder).events)
    with open(folder / "events.jsonl", "a") as file:
        file.write('{"n":99,"kind":"st')
    assert len(RunRecord.read(folder).events) == before


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path, made):
    folder = tmp_path / "photos"
    if made:
        folder.mkdir()
    with pytest.raises(FileNotFoundError, match="photos is no run: ") as caught:
        RunRecord.read(folder)
    assert "\n" not in str(caught.value)
