"""What one training does, seen in its events and its checkpoints."""

import errno
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piste.losses import CrossEntropy, Dice
from piste.objective import Phase, Ramp, Sequence
from piste.tasks.base import Batch
from piste.training.checkpoint import read_checkpoint
from piste.training.events import Event, EventLog, read_events
from piste.training.loop import train
from tests.training.tiny import IGNORE, SIZES, Blobs, Net, TinyScores, TinyTask, events_of, notes_of, recipe


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


class Plain(TinyTask):
    """A model without batch statistics or dropout, so that splitting a batch changes nothing."""

    def model(self) -> nn.Module:
        return nn.Conv2d(3, 2, 3, padding=1)


class Scripted(TinyTask):
    """Its IoU follows a script: one value an epoch."""

    def __init__(self, values: list[float], loss: Any = None) -> None:
        super().__init__(loss)
        self.values = iter(values)

    def scores(self) -> TinyScores:
        value = next(self.values)

        class Said(TinyScores):
            def compute(self) -> Mapping[str, float]:
                return {**super().compute(), "iou": value}

        return Said()


def test_a_training_tells_its_story(run: Path) -> None:
    seen: list[Event] = []
    outcome = train(TinyTask(), recipe(epochs=2), run, sinks=(seen.append,))
    kinds = [event["kind"] for event in events_of(run)]
    assert kinds == [
        *("start", "step", "step", "step", "epoch", "best"),
        *("step", "step", "step", "epoch"),
        *(["best"] if "best" in kinds[6:] else []),
        "end",
    ]
    assert [event["n"] for event in events_of(run)] == list(range(len(kinds)))
    assert [event["kind"] for event in seen] == kinds
    start = events_of(run, "start")[0]
    assert (start["epochs"], start["steps_per_epoch"], start["device"]) == (2, 3, "cpu")
    assert (start["train_images"], start["val_images"]) == (SIZES["train"], SIZES["val"])
    assert start["parameters"] == outcome.parameters == sum(p.numel() for p in Net().parameters())
    assert [event["step"] for event in events_of(run, "step")] == [1, 2, 3, 4, 5, 6]
    assert [event["epoch"] for event in events_of(run, "step")] == [1, 1, 1, 2, 2, 2]
    assert (outcome.status, outcome.epochs, outcome.steps) == ("finished", 2, 6)
    events = read_events(run / "events.jsonl")[0]
    assert outcome.seconds == sum(event["seconds"] for event in events if event["kind"] == "epoch") > 0
    assert events[-1]["seconds"] == outcome.seconds
    best = events_of(run, "best")[-1]
    assert outcome.best == {"epoch": best["epoch"], "metric": "iou", "value": best["value"]}


def test_a_step_says_what_it_did(run: Path) -> None:
    objective = CrossEntropy(ignore_index=IGNORE) + Ramp(0.5, 1.0, epochs=2) * Dice(ignore_index=IGNORE)
    train(TinyTask(objective), recipe(epochs=1), run)
    step = events_of(run, "step")[0]
    keys = "n kind epoch step loss terms lr phase phase_name counted grad_norm"
    assert list(step) == keys.split()
    assert step["terms"]["dice"]["factor"] == 0.5
    assert step["terms"]["dice"]["weighted"] == pytest.approx(0.5 * step["terms"]["dice"]["raw"])
    assert step["loss"] == pytest.approx(sum(term["weighted"] for term in step["terms"].values()))
    assert step["grad_norm"] > 0
    assert (step["phase"], step["phase_name"]) == (0, "cross_entropy + dice")


def test_steps_count_the_target_elements_that_count(run: Path) -> None:
    train(TinyTask(), recipe(epochs=1), run)
    ignored = sum(range(1, 12))  # image i ignores i + 1 pixels, no image has more than a row of 11
    assert sum(step["counted"] for step in events_of(run, "step")) == 11 * 13 * 11 - ignored


def test_the_mean_over_an_epoch_weighs_batches_by_what_they_count(run: Path) -> None:
    train(TinyTask(), recipe(epochs=1), run)
    steps = events_of(run, "step")
    mean = sum(step["loss"] * step["counted"] for step in steps) / sum(step["counted"] for step in steps)
    (epoch,) = events_of(run, "epoch")
    assert epoch["train"]["loss"] == pytest.approx(mean)
    assert epoch["train"]["terms"]["cross_entropy"]["raw"] == pytest.approx(mean)
    unweighted = sum(step["loss"] for step in steps) / len(steps)
    assert epoch["train"]["loss"] != pytest.approx(unweighted, rel=1e-6)


def test_validation_is_the_loss_over_all_images_at_once(run: Path) -> None:
    task = TinyTask()
    train(task, recipe(epochs=1, batch_size=2), run)
    (epoch,) = events_of(run, "epoch")
    loss, metrics = by_hand(task, run)
    assert epoch["val"]["loss"] == pytest.approx(loss, rel=1e-5)
    assert epoch["val"]["metrics"] == pytest.approx(metrics)


def by_hand(task: TinyTask, run: Path) -> tuple[float, Mapping[str, float]]:
    """Loss and metrics of the weights in best.pt, in one batch."""
    model = task.model()
    model.load_state_dict(read_checkpoint(run / "checkpoints" / "best.pt")["model"])
    (batch,) = task.loader("val", train=False, workers=0, batch_size=99)
    with torch.no_grad():
        output = task.forward(model.eval(), batch)
    scores = task.scores()
    scores.update(output)
    return task.objective()(output.prediction, output.target).item(), scores.compute()


def test_a_plateau_follows_the_best_where_less_is_better(run: Path) -> None:
    plateau = {"plateau": {"patience": 0, "factor": 0.5}}
    best = {"metric": "iou", "mode": "min"}
    settings = recipe(epochs=3, batch_size=11, optimizer={"sgd": {"lr": 0.08}}, scheduler=plateau, best=best)
    train(Scripted([0.4, 0.3, 0.1]), settings, run)
    assert [step["lr"] for step in events_of(run, "step")] == [0.08] * 3


@pytest.mark.parametrize("ema", [None, 0.8])
def test_the_weights_that_were_validated_are_those_that_are_kept(ema: float | None, run: Path) -> None:
    task = TinyTask()
    train(task, recipe(epochs=3, ema=ema), run)
    best = events_of(run, "best")[-1]
    epoch = events_of(run, "epoch")[best["epoch"] - 1]
    loss, metrics = by_hand(task, run)
    assert metrics["iou"] == pytest.approx(best["value"])
    assert epoch["val"]["loss"] == pytest.approx(loss, rel=1e-5)


class Remembering(TinyTask):
    """Keeps the weights that a training starts with."""

    def model(self) -> nn.Module:
        model = super().model()
        self.first = {name: value.clone() for name, value in model.state_dict().items()}
        return model


def test_the_moving_average_follows_the_model_step_by_step(run: Path) -> None:
    """One step: the average keeps 2/11 of the first weights, and of the first statistics."""
    task = Remembering()
    train(task, recipe(epochs=1, batch_size=11, ema=0.9), run)
    saved = read_checkpoint(run / "checkpoints" / "last.pt")["training"]
    for name in ("0.weight", "1.running_mean"):
        moved, average = saved["model"][name], saved["ema"]["model"][name]
        assert not torch.equal(moved, task.first[name])
        torch.testing.assert_close(average, task.first[name] * 2 / 11 + moved * 9 / 11)
    assert torch.equal(read_checkpoint(run / "checkpoints" / "best.pt")["model"]["0.weight"], average_of(saved))


def average_of(saved: dict[str, Any]) -> torch.Tensor:
    weight: torch.Tensor = saved["ema"]["model"]["0.weight"]
    return weight


@pytest.mark.parametrize("accumulate", [1, 2])
def test_clipping_bounds_how_far_a_step_goes(accumulate: int, run: Path) -> None:
    """Plain gradient descent moves by lr times the gradient, whose norm is clipped to 0.001."""
    task = Remembering()
    sgd = {"sgd": {"lr": 0.5, "momentum": 0.0}}
    train(task, recipe(epochs=1, batch_size=6, accumulate=accumulate, clip=0.001, optimizer=sgd), run)
    model = read_checkpoint(run / "checkpoints" / "last.pt")["training"]["model"]
    moved = [(model[name] - task.first[name]).flatten() for name, _ in Net().named_parameters()]
    steps = events_of(run, "step")
    assert all(step["grad_norm"] > 0.01 for step in steps), "what is logged is the norm before the clipping"
    assert 0.25 * 0.0005 * len(steps) < torch.cat(moved).norm() < 1.001 * 0.0005 * len(steps)


@pytest.mark.parametrize("scheduler", ["constant", "cosine"])
def test_batches_that_are_accumulated_make_the_step_of_one_big_batch(scheduler: str, tmp_path: Path) -> None:
    """Eleven images: 4 + 4 and 3, against 8 and 3; images count differently, and so do batches."""
    common = {"epochs": 2, "optimizer": {"sgd": {"lr": 0.5}}, "scheduler": scheduler, "clip": 0.2}
    train(Plain(), recipe(**common, batch_size=4, accumulate=2), tmp_path / "small")
    train(Plain(), recipe(**common, batch_size=8), tmp_path / "big")
    small, big = (read_checkpoint(tmp_path / name / "checkpoints" / "last.pt") for name in ("small", "big"))
    for name in ("weight", "bias"):
        torch.testing.assert_close(small["training"]["model"][name], big["training"]["model"][name])
    for small_step, big_step in zip(*(events_of(tmp_path / name, "step") for name in ("small", "big")), strict=True):
        for key in ("step", "loss", "lr", "counted", "grad_norm"):
            assert small_step[key] == pytest.approx(big_step[key], rel=1e-4), key


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 3), (2, 2), (3, 1), (5, 1)])
def test_the_last_step_of_an_epoch_may_have_fewer_batches(accumulate: int, steps: int, run: Path) -> None:
    outcome = train(TinyTask(), recipe(epochs=2, accumulate=accumulate), run)
    assert outcome.steps == 2 * steps
    assert events_of(run, "start")[0]["steps_per_epoch"] == steps


def test_a_schedule_ends_with_the_last_step(run: Path) -> None:
    base = 0.01
    train(TinyTask(), recipe(epochs=2, accumulate=2, optimizer={"sgd": {"lr": base}}, scheduler="cosine"), run)
    expected = [base * (1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)]
    assert [step["lr"] for step in events_of(run, "step")] == pytest.approx(expected)
    assert [epoch["lr"] for epoch in events_of(run, "epoch")] == pytest.approx([expected[1], expected[3]])


def phases(**second: Any) -> Sequence:
    """Two epochs of cross-entropy, then Dice."""
    entropy, dice = CrossEntropy(ignore_index=IGNORE), Dice(ignore_index=IGNORE)
    return Sequence(Phase(entropy, epochs=2), Phase(dice, **second))


def test_a_phase_scales_the_rate_on_top_of_the_schedule(run: Path) -> None:
    base = 0.01
    settings = recipe(
        epochs=4, batch_size=11, optimizer={"sgd": {"lr": base}}, scheduler={"exponential": {"gamma": 0.5}}
    )
    train(TinyTask(phases(lr=0.1)), settings, run)
    assert [step["lr"] for step in events_of(run, "step")] == pytest.approx(
        [base, base * 0.5, base * 0.25 * 0.1, base * 0.125 * 0.1]
    )
    (change,) = events_of(run, "phase")
    expected = {"from": "cross_entropy", "to": "dice", "index": 1, "epoch": 2, "reason": "after 2 epochs"}
    assert {key: change[key] for key in expected} == expected
    assert change["lr_scale"] == 0.1
    assert [epoch["phase_name"] for epoch in events_of(run, "epoch")] == ["cross_entropy"] * 2 + ["dice"] * 2
    assert [epoch["phase"] for epoch in events_of(run, "epoch")] == [0, 0, 1, 1]


def test_a_first_phase_scales_the_rate_too(run: Path) -> None:
    task = TinyTask(Phase(CrossEntropy(ignore_index=IGNORE), lr=0.25))
    train(task, recipe(epochs=1, optimizer={"sgd": {"lr": 0.02}}), run)
    assert [step["lr"] for step in events_of(run, "step")] == [0.005] * 3


@pytest.mark.parametrize(("reset", "steps"), [(False, 9), (True, 3)])
def test_a_phase_may_reset_the_optimizer(reset: bool, steps: int, run: Path) -> None:
    train(TinyTask(phases(reset_optimizer=reset)), recipe(epochs=3, optimizer="adam"), run)
    saved = read_checkpoint(run / "checkpoints" / "last.pt")["training"]["optimizer"]
    assert {int(state["step"]) for state in saved["state"].values()} == {steps}


def test_triggers_see_the_validation_metrics(run: Path) -> None:
    entropy, dice = CrossEntropy(ignore_index=IGNORE), Dice(ignore_index=IGNORE)
    objective = Sequence(Phase(entropy, until="iou >= 0.5"), Phase(dice))
    train(Scripted([0.1, 0.6, 0.2], objective), recipe(), run)
    (change,) = events_of(run, "phase")
    assert (change["epoch"], change["reason"]) == (2, "iou 0.6 >= 0.5")


def test_an_objective_that_is_finished_ends_the_training(run: Path) -> None:
    outcome = train(TinyTask(phases(epochs=1)), recipe(epochs=9), run)
    assert (outcome.status, outcome.epochs) == ("finished", 3)
    assert not events_of(run, "warning")
    (end,) = events_of(run, "end")
    assert (end["epoch"], end["step"], end["status"]) == (3, 9, "finished")


@pytest.mark.parametrize(
    ("epochs", "second", "warning"),
    [
        (1, {}, "the epochs were used up in phase 1 of 2 (cross_entropy), of which 1 were trained"),
        (3, {"epochs": 2}, "the epochs were used up in phase 2 of 2 (dice), of which 1 were trained"),
        (3, {}, None),
    ],
)
def test_epochs_that_end_before_the_objective_are_told(
    epochs: int, second: dict[str, Any], warning: str | None, run: Path
) -> None:
    assert train(TinyTask(phases(**second)), recipe(epochs=epochs), run).status == "finished"
    assert [event["text"] for event in events_of(run, "warning")] == ([] if warning is None else [warning])


def test_the_best_epoch_is_that_of_the_best_finite_value(run: Path) -> None:
    outcome = train(Scripted([math.nan, 0.4, math.nan, 0.3, 0.5, math.inf]), recipe(epochs=6), run)
    assert [(event["epoch"], event["value"]) for event in events_of(run, "best")] == [(2, 0.4), (5, 0.5)]
    assert outcome.best == {"epoch": 5, "metric": "iou", "value": 0.5}
    best = read_checkpoint(run / "checkpoints" / "best.pt")
    assert {key: best[key] for key in ("epoch", "metric", "value")} == outcome.best


def test_less_may_be_better(run: Path) -> None:
    train(Scripted([0.4, 0.5, 0.3]), recipe(best={"metric": "iou", "mode": "min"}), run)
    assert [event["epoch"] for event in events_of(run, "best")] == [1, 3]


def test_a_metric_that_is_never_finite_has_no_best(run: Path) -> None:
    assert train(Scripted([math.nan] * 3), recipe(), run).best is None
    assert not (run / "checkpoints" / "best.pt").exists()
    assert [epoch["val"]["metrics"]["iou"] for epoch in events_of(run, "epoch")] == [None] * 3


def test_patience_ends_the_training(run: Path) -> None:
    settings = recipe(epochs=9, early_stopping={"metric": "iou", "patience": 2, "min_delta": 0.05})
    outcome = train(Scripted([0.4, 0.5, 0.52, 0.51, 0.9]), settings, run)
    assert (outcome.status, outcome.epochs) == ("stopped_early", 4)
    (stop,) = events_of(run, "early_stop")
    assert (stop["epoch"], stop["metric"], stop["patience"]) == (4, "iou", 2)
    assert events_of(run, "end")[0]["status"] == "stopped_early"
    assert train(Scripted([]), settings, run, resume=True).status == "stopped_early"


def test_a_plateau_follows_the_best_metric_unless_told_otherwise(run: Path) -> None:
    plateau = {"plateau": {"patience": 0, "factor": 0.5}}
    settings = recipe(epochs=4, batch_size=11, optimizer={"sgd": {"lr": 0.08}}, scheduler=plateau)
    train(Scripted([0.4, 0.5, 0.3, 0.6]), settings, run)
    assert [step["lr"] for step in events_of(run, "step")] == pytest.approx([0.08, 0.08, 0.08, 0.04])


def test_a_plateau_follows_a_metric_of_which_less_is_better(run: Path) -> None:
    plateau = {"plateau": {"patience": 0, "factor": 0.5, "metric": "iou", "mode": "min"}}
    settings = recipe(epochs=4, batch_size=11, optimizer={"sgd": {"lr": 0.08}}, scheduler=plateau)
    train(Scripted([0.4, 0.3, 0.3, 0.1]), settings, run)
    assert [step["lr"] for step in events_of(run, "step")] == pytest.approx([0.08, 0.08, 0.08, 0.04])


def test_losses_of_different_phases_are_not_compared(run: Path) -> None:
    """Cross-entropy near 0.1 and Dice near 0.5: without forgetting, the second phase would look like a divergence."""
    entropy, dice = CrossEntropy(ignore_index=IGNORE), 100.0 * Dice(ignore_index=IGNORE)
    objective = Sequence(Phase(entropy, epochs=2), Phase(dice))
    plateau = {"plateau": {"metric": "loss", "patience": 1}}
    watching = {"early_stopping": {"metric": "loss", "patience": 3}, "scheduler": plateau}
    settings = recipe(epochs=5, optimizer={"adam": {"lr": 0.02}}, **watching)
    outcome = train(TinyTask(objective), settings, run)
    losses = [epoch["val"]["loss"] for epoch in events_of(run, "epoch")]
    assert min(losses[2:]) > 10 * max(losses[:2])
    assert losses[2:] == sorted(losses[2:], reverse=True)
    assert outcome.status == "finished"
    assert {step["lr"] for step in events_of(run, "step")} == {0.02}


def test_the_plateau_on_the_loss_looks_for_less(run: Path) -> None:
    plateau = {"plateau": {"metric": "loss", "patience": 0, "factor": 0.5}}
    settings = recipe(epochs=6, optimizer={"adam": {"lr": 0.01}}, scheduler=plateau)
    train(TinyTask(), settings, run)
    losses = [epoch["val"]["loss"] for epoch in events_of(run, "epoch")]
    assert losses == sorted(losses, reverse=True)
    assert {step["lr"] for step in events_of(run, "step")} == {0.01}


def test_one_seed_gives_one_training_whatever_was_drawn_before(tmp_path: Path) -> None:
    for name in ("one", "two"):
        torch.rand(17 if name == "one" else 3)
        train(TinyTask(), recipe(seed=5), tmp_path / name)
    train(TinyTask(), recipe(seed=6), tmp_path / "other")
    assert events_of(tmp_path / "one") == events_of(tmp_path / "two")
    assert events_of(tmp_path / "one", "step") != events_of(tmp_path / "other", "step")


def test_each_epoch_has_its_own_order_and_augmentation(run: Path) -> None:
    class Noting(TinyTask):
        def forward(self, model: nn.Module, batch: Any) -> Batch:
            if model.training:
                seen.append((list(batch["name"]), batch["image"].sum().item()))
            return super().forward(model, batch)

    seen: list[tuple[list[str], float]] = []
    train(Noting(), recipe(epochs=2, batch_size=11), run)
    (first, first_sum), (second, second_sum) = seen
    assert sorted(first) == sorted(second)
    assert first != second
    assert first_sum != second_sum
    assert int(Blobs("train", train=True).epoch) == 0


def test_steps_that_are_settled_together_tell_the_same_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU; the mean over an epoch and the numbers of the events stay."""
    train(TinyTask(), recipe(accumulate=2, batch_size=2), tmp_path / "one")
    monkeypatch.setattr("piste.training.book.AT_ONCE", {"cpu": 2})
    train(TinyTask(), recipe(accumulate=2, batch_size=2), tmp_path / "two")
    assert events_of(tmp_path / "one") == events_of(tmp_path / "two")


def test_bfloat16_trains_on_the_cpu(run: Path) -> None:
    class Noting(TinyTask):
        def forward(self, model: nn.Module, batch: Any) -> Batch:
            output = super().forward(model, batch)
            kinds.add(output.prediction.dtype)
            return output

    kinds: set[torch.dtype] = set()
    train(Noting(), recipe(precision="bf16", ema=0.9), run)
    train(Noting(), recipe(ema=0.9), run.with_name("float32"))
    assert kinds == {torch.float32}
    half, full = (events_of(folder, "step") for folder in (run, run.with_name("float32")))
    assert half[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.02)
    assert half[0]["loss"] != full[0]["loss"]


def test_the_disk_has_the_events_before_the_checkpoint_that_follows_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave a checkpoint that knows of events that are gone."""
    order: list[str] = []
    sync, save = EventLog.sync, torch.save
    monkeypatch.setattr(EventLog, "sync", lambda log: (order.append("events"), sync(log)))
    monkeypatch.setattr(torch, "save", lambda *arguments: (order.append("checkpoint"), save(*arguments)))
    train(TinyTask(), recipe(epochs=1), run)
    assert order == ["events", "checkpoint", "checkpoint"]


def test_what_cannot_be_is_refused_before_anything_is_written(run: Path) -> None:
    for settings in ({"best": "iuo"}, {"precision": "fp16"}):
        with pytest.raises(ValueError, match=r"`(best\.metric|precision)`"):
            train(TinyTask(), recipe(**settings), run)
    assert not run.exists()


def test_a_folder_that_holds_a_run_is_left_alone(run: Path) -> None:
    train(TinyTask(), recipe(epochs=1), run)
    before = (run / "events.jsonl").read_bytes()
    with pytest.raises(FileExistsError, match="holds a run; resume it, or choose another folder"):
        train(TinyTask(), recipe(epochs=1), run)
    assert (run / "events.jsonl").read_bytes() == before


def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = 0
    save = torch.save

    def full(state: Any, file: Any) -> None:
        nonlocal saves
        saves += "training" in state
        if saves == 2:
            file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(state, file)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(OSError, match=r"last\.pt could not be written: No space left on device; .* resume"):
            train(TinyTask(), recipe(), run)
    train(TinyTask(), recipe(), run, resume=True)
    train(TinyTask(), recipe(), tmp_path / "whole")
    assert events_of(run) == events_of(tmp_path / "whole")
    assert not notes_of(run, "warning")
