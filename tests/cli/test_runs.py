"""Runs from the command line: what they leave behind, how they are killed, resumed, listed, compared."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from piste.training.events import read_events
from tests.cli.conftest import Said

Piste = Callable[..., Said]
WriteRecipe = Callable[..., Path]

CYCLE = {
    "cycle": {
        "times": 1,
        "phases": [
            {"loss": {"cross_entropy": {"weight": "inverse"}}, "until": "recall >= 0.01", "at_most": 2},
            {"loss": {"sum": ["jaccard", {"watch": "dice"}]}, "epochs": 2, "lr": 0.5},
        ],
    }
}


def events_of(run: Path) -> list[dict[str, Any]]:
    return read_events(run / "events.jsonl")[0]


def replayable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbered events without what the clock says."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "seconds")}
        for event in events
        if event["n"] is not None
    ]


def test_a_run_leaves_everything_behind(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    recipe = write_recipe(loss=CYCLE, epochs=4, data={"augment": ["horizontal_flip"]})
    said = piste("run", recipe, "--runs", runs, "--name", "first")
    assert said.code == 0, said.err
    assert "weight:" in said.out
    assert "report.html" in said.out
    run = runs / "first"
    present = {path.name for path in run.iterdir()}
    assert present >= {
        "recipe.yaml",
        "events.jsonl",
        "checkpoints",
        "summary.json",
        "evaluation.json",
        "wall.npz",
        "augmented.npz",
        "report.html",
        "figures",
    }
    resolved = yaml.safe_load((run / "recipe.yaml").read_text())
    weight = resolved["loss"]["cycle"]["phases"][0]["loss"]["cross_entropy"]["weight"]
    assert isinstance(weight, list)
    assert weight[1] > weight[0]
    events = events_of(run)
    assert [event["n"] for event in events] == list(range(len(events)))
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    assert 3 <= kinds.count("epoch") <= 4  # the first phase takes one or two, the second two
    phase = next(event for event in events if event["kind"] == "phase")
    assert phase["lr_scale"] == 0.5
    last = [event for event in events if event["kind"] == "epoch"][-1]
    assert last["train"]["terms"]["dice"]["weighted"] == 0.0
    assert last["train"]["terms"]["dice"]["raw"] > 0.0
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert set(summary["val"]) == set(summary["test"]) == {"default", "best_threshold"}


def test_the_run_shows_in_lists_and_comparisons(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for loss in ("cross_entropy", "jaccard"):
        assert piste("run", write_recipe(loss=loss, epochs=1), "--runs", runs, "--name", loss).code == 0
    listed = piste("runs", "--runs", runs).out
    assert "cross_entropy" in listed
    assert "finished" in listed
    assert not (runs / "jaccard" / "augmented.npz").exists()  # nothing was augmented, so there is nothing to show
    compared = piste("compare", "cross_entropy", "jaccard", "--runs", runs)
    assert compared.code == 0
    assert "recall" in compared.out
    page = Path(compared.out.split("Comparison: ")[1].strip())
    assert page.is_file()
    assert "report.html" in piste("report", "jaccard", "--runs", runs).out
    assert piste("compare", "jaccard", "--runs", runs).code == 2
    assert "nearest: jaccard" in piste("report", "jacard", "--runs", runs).err


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "piste", *map(str, arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.parametrize("at", ["step", "epoch"])
def test_a_killed_run_ends_where_the_uninterrupted_one_ends(write_recipe: WriteRecipe, tmp_path: Path, at: str) -> None:
    runs = tmp_path / "runs"
    recipe = write_recipe(loss=CYCLE, epochs=4, data={"augment": ["horizontal_flip", "rotate90"]}, workers=1)
    whole = command("run", recipe, "--runs", runs, "--name", "whole")
    subprocess.run(whole, env=environment(), check=True, capture_output=True, timeout=300)

    running = subprocess.Popen(
        command("run", recipe, "--runs", runs, "--name", "killed"),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = runs / "killed" / "events.jsonl"
    deadline = time.monotonic() + 120
    wanted = 4 if at == "step" else 2
    while sum(event["kind"] == at for event in read_events(log)[0]) < wanted:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    with log.open("ab") as file:
        file.write(b'{"n": 99, "kind": "st')  # as if the kill had cut a line

    resumed = subprocess.run(
        command("resume", "killed", "--runs", runs), env=environment(), capture_output=True, text=True, timeout=300
    )
    assert resumed.returncode == 0, resumed.stderr
    assert replayable(events_of(runs / "killed")) == replayable(events_of(runs / "whole"))
    summaries = [json.loads((runs / name / "summary.json").read_text()) for name in ("whole", "killed")]
    for key in ("val", "test", "best", "thresholds"):
        assert summaries[0][key] == summaries[1][key]
    again = subprocess.run(
        command("resume", "killed", "--runs", runs), env=environment(), capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 2
    assert "is finished" in again.stderr


def test_a_loss_that_is_not_finite_stops_the_run(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "calls = 0\n"
        "def broken(logits, target):\n"
        "    global calls\n"
        "    calls += 1\n"
        "    return logits.square().mean() * (float('nan') if calls > 5 else 1.0)\n"
    )
    runs = tmp_path / "runs"
    recipe = write_recipe(loss={"custom": f"{tmp_path / 'broken.py'}:broken"}, epochs=6)
    said = piste("run", recipe, "--runs", runs, "--name", "nan")
    assert said.code == 1, said
    assert said.err.count("\n") == 1
    assert "broken" in said.err
    assert "tile" in said.err
    assert any(event["kind"] == "failure" for event in events_of(runs / "nan"))
    assert (runs / "nan" / "checkpoints" / "best.pt").is_file()
    assert "failed" in piste("runs", "--runs", runs).out
    assert "report.html" in piste("report", "nan", "--runs", runs).out


def test_trackers_get_the_metrics(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    said = piste("run", write_recipe(epochs=1, trackers=["tensorboard"]), "--runs", runs, "--name", "tracked")
    assert said.code == 0, said.err
    assert list((runs / "tracked").rglob("events.out.tfevents*"))


def test_independent_labels_train_too(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    model = {"depth": 3, "width": 16, "activation": "sigmoid"}
    loss = {"sum": [{"binary_cross_entropy": {"pos_weight": "inverse"}}, {"tversky": {"beta": 0.7, "alpha": 0.3}}]}
    said = piste("run", write_recipe(epochs=1, model=model, loss=loss), "--runs", tmp_path / "runs", "--name", "s")
    assert said.code == 0, said.err


def test_every_setting_of_training_at_once(piste: Piste, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    said = piste(
        "run",
        write_recipe(
            epochs=2,
            accumulate=2,
            clip=1.0,
            precision="bf16",
            ema=0.9,
            optimizer={"sgd": {"lr": 0.01, "momentum": 0.9, "nesterov": True}},
            scheduler={"one_cycle": {}},
            early_stopping={"metric": "recall", "patience": 5, "min_delta": 0.01},
            best="recall",
            loss={"sum": ["cross_entropy", {"dice": {}, "scale": {"ramp": {"from": 0.1, "to": 1.0, "epochs": 2}}}]},
        ),
        "--runs",
        tmp_path / "runs",
        "--name",
        "all",
    )
    assert said.code == 0, said.err
    best = json.loads((tmp_path / "runs" / "all" / "summary.json").read_text())["best"]
    assert best["metric"] == "recall"
