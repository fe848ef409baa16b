from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from piste.training.loop import train
from piste.training.trackers import TrackerSink, require_trackers
from tests.training.tiny import TinyTask, events_of, recipe


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard would show: tag -> (step, value)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (file,) = (path for path in folder.rglob("events.out.tfevents.*") if path.parent.name == "run")
    accumulator = EventAccumulator(str(file))
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_gets_every_step_and_every_metric(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = tmp_path / "run"
    train(TinyTask(), recipe(epochs=2, trackers=["tensorboard"]), run)
    found = scalars(run)
    steps, epochs = events_of(run, "step"), events_of(run, "epoch")
    assert found["train/loss"] == [(step["step"], pytest.approx(step["loss"])) for step in steps]
    assert found["train/cross_entropy"] == found["train/loss"]
    assert found["lr"] == [(step["step"], pytest.approx(step["lr"])) for step in steps]
    for metric in ("iou", "recall"):
        values = [(epoch["step"], pytest.approx(epoch["val"]["metrics"][metric])) for epoch in epochs]
        assert found[f"val/{metric}"] == values


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_resumed_run_hands_over_only_what_is_new(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = tmp_path / "run"

    def interrupt(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["epoch"] == 2:
            raise InterruptedError

    settings = recipe(epochs=2, trackers=["tensorboard"])
    with pytest.raises(InterruptedError):
        train(TinyTask(), settings, run, sinks=(interrupt,))
    for file in run.rglob("events.out.tfevents.*"):
        file.unlink()
    train(TinyTask(), settings, run, resume=True)
    assert [step for step, _ in scalars(run)["train/loss"]] == [4, 5, 6], "the fourth was logged and not handed over"


def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piste.training.trackers.find_spec", lambda name: None if name == "mlflow" else True)
    with pytest.raises(ValueError, match="`trackers`: mlflow is not installed; `pip install mlflow`"):
        train(TinyTask(), recipe(trackers=["tensorboard", "mlflow"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_tracker_needs_no_package() -> None:
    require_trackers([])


def test_an_epoch_that_was_handed_over_is_not_handed_over_again() -> None:
    handed: list[int] = []
    accelerator = SimpleNamespace(
        init_trackers=lambda name, config: None, log=lambda values, step: handed.append(step), end_training=lambda: None
    )
    sink = TrackerSink(accelerator, "run", {})  # type: ignore[arg-type]
    figures: dict[str, Any] = {"loss": 0.5, "lr": 0.1, "terms": {}, "metrics": {}}
    for epoch, replayed in ((1, True), (2, False)):
        sink({"kind": "step", "step": epoch, "replayed": replayed, **figures})
        sink({"kind": "epoch", "step": epoch, "replayed": replayed, "val": figures})
    assert handed == [2, 2]
