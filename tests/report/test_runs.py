"""A run in one line of a list."""

import shutil

from piste.report.record import RunRecord
from piste.report.runs import listed


def test_a_line_says_the_task_and_the_best_in_the_digits_of_its_metric(sharp, cycle):
    best = RunRecord.read(sharp).of_kind("best")[-1]["value"]
    run = listed(sharp)
    assert (run.task, run.status, run.epoch, run.best_epoch) == ("restoration", "finished", 15, "15")
    assert run.best == f"psnr {best:.2f}"
    assert listed(cycle).best == f"iou {RunRecord.read(cycle).of_kind('best')[-1]['value']:.3f}"


def test_a_run_that_failed_or_goes_on_is_listed_as_such(failed, going):
    assert (listed(failed).status, listed(failed).epoch) == ("failed", 2)
    assert (listed(going).status, listed(going).epoch) == ("unfinished", 2)


def test_a_damaged_summary_does_not_hide_the_other_runs(sharp, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(sharp, folder)
    (folder / "summary.json").write_text("{")
    assert listed(folder).status == "finished"  # as the log has it


def test_a_run_in_its_first_epoch_has_no_best(tmp_path):
    (tmp_path / "recipe.yaml").write_text("task: text\n")
    run = listed(tmp_path)
    assert (run.task, run.status, run.epoch, run.best, run.best_epoch) == ("text", "unfinished", 0, "", "")
