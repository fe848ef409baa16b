"""A run that is killed and resumed ends where the uninterrupted one ends, bit for bit."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from piste.losses import CrossEntropy, Dice
from piste.objective import Phase, RelativeWeighting, Sequence, UncertaintyWeighting
from piste.training.checkpoint import read_checkpoint
from piste.training.loop import train
from tests.training.killed import Moment, everything, train_until
from tests.training.tiny import IGNORE, TinyTask, events_of, notes_of, recipe


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(*everything(), folder)
    return folder


def test_the_uninterrupted_run_has_all_that_can_go_wrong(whole: Path) -> None:
    kinds = [event["kind"] for event in events_of(whole)]
    assert kinds.count("step") == 15
    assert kinds.count("phase") == 3
    assert {"start", "epoch", "best", "warning", "end"} <= set(kinds)
    assert [event["n"] for event in events_of(whole)] == list(range(len(kinds)))


def assert_same(run: Path, whole: Path) -> None:
    assert events_of(run) == events_of(whole)
    for name in ("last.pt", "best.pt"):
        mine, theirs = (read_checkpoint(folder / "checkpoints" / name) for folder in (run, whole))
        assert_equal(without_clock(mine), without_clock(theirs))
    assert not list(run.rglob("*.tmp"))


def without_clock(state: dict[str, Any]) -> dict[str, Any]:
    if "training" not in state:
        return state
    return state | {"training": {key: value for key, value in state["training"].items() if key != "seconds"}}


def assert_equal(mine: Any, theirs: Any) -> None:
    if isinstance(mine, dict):
        assert mine.keys() == theirs.keys()
        for key in mine:
            assert_equal(mine[key], theirs[key])
    elif isinstance(mine, torch.Tensor):
        assert torch.equal(mine, theirs)
    else:
        assert mine == theirs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "when"),
    [("write", "before"), ("write", "amid"), ("replace", "before"), ("replace", "after"), ("save", "amid")],
)
def test_a_run_killed_at_any_moment_ends_as_if_nothing_had_happened(
    call: str, when: str, whole: Path, tmp_path: Path
) -> None:
    """Around each event, each renaming and each checkpoint: one death after the other, until one comes too late."""
    for count in itertools.count(1):
        moment = Moment(call, count, when)
        run = tmp_path / f"{count}"
        if not train_until(run, moment):
            break
        before = (run / "events.jsonl").read_bytes()
        train(*everything(), run, resume=True)
        lines_before = before[: before.rfind(b"\n") + 1]
        assert (run / "events.jsonl").read_bytes().startswith(lines_before), f"{moment} changed what was logged"
        assert_same(run, whole)
        assert len(notes_of(run, "resume")) == 1
        assert not notes_of(run, "warning")
    assert count > 7, "the run has more such moments than that"


def test_a_run_killed_again_while_it_replays(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train_until(run, Moment("write", 3, "amid"))
    assert train_until(run, Moment("write", 15, "amid"), resume=True)
    assert train_until(run, Moment("write", 2, "amid"), resume=True)
    assert train_until(run, Moment("replace", 2, "after"), resume=True)
    train(*everything(), run, resume=True)
    assert_same(run, whole)
    assert len(notes_of(run, "resume")) == 4


def test_a_resume_of_a_finished_run_changes_nothing(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = train(*everything(), run)
    again = train(*everything(), run, resume=True)
    assert again == first
    assert_same(run, whole)


@pytest.mark.parametrize("damage", ["cut short", "garbage", "empty", "one bit"])
def test_a_damaged_last_checkpoint_costs_a_warning(damage: str, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train_until(run, Moment("write", 19, "before"))
    last = run / "checkpoints" / "last.pt"
    last.write_bytes(damaged(last.read_bytes(), damage))
    train(*everything(), run, resume=True)
    (warning,) = notes_of(run, "warning")
    assert warning["text"].startswith(f"checkpoint {last} is damaged")
    assert warning["text"].endswith("going on from the one before")
    assert "\n" not in warning["text"]
    assert_same(run, whole)


def damaged(content: bytes, damage: str) -> bytes:
    middle = len(content) // 2
    return {
        "cut short": content[:middle],
        "garbage": b"garbage" * 100,
        "empty": b"",
        "one bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }[damage]


def test_a_run_without_a_whole_checkpoint_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train_until(run, Moment("write", 19, "before"))
    events = (run / "events.jsonl").read_bytes()
    for name in ("last.pt", "previous.pt"):
        (run / "checkpoints" / name).write_bytes(b"garbage")
    with pytest.raises(ValueError, match="no whole checkpoint is left, so the run must start again") as refusal:
        train(*everything(), run, resume=True)
    assert "\n" not in str(refusal.value)
    assert (run / "events.jsonl").read_bytes() == events


def interrupt_epoch(epoch: int) -> Callable[[dict[str, Any]], None]:
    """A sink that ends the training in an epoch, as a kill would."""

    def interrupt(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["epoch"] == epoch:
            raise InterruptedError

    return interrupt


@pytest.mark.parametrize(
    "settings",
    [
        {"scheduler": name, "optimizer": optimizer}
        for name, optimizer in [
            ("constant", "sgd"),
            ("step", "adam"),
            ({"multistep": {"milestones": [0.5, 1.5]}}, "adadelta"),
            ("exponential", "adagrad"),
            ("cosine", "adamax"),
            ({"cyclic": {"step_size": 0.4}}, "asgd"),
            ({"plateau": {"patience": 0, "threshold": 1.0}}, "rprop"),
            ({"plateau": {"patience": 0, "metric": "loss"}}, "rmsprop"),
            ("one_cycle", "lion"),
        ]
    ],
    ids=str,
)
def test_every_optimizer_and_scheduler_goes_on_exactly(settings: dict[str, Any], tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(TinyTask(), recipe(**settings, epochs=4), whole)

    with pytest.raises(InterruptedError):
        train(TinyTask(), recipe(**settings, epochs=4), cut, sinks=(interrupt_epoch(3),))
    train(TinyTask(), recipe(**settings, epochs=4), cut, resume=True)
    assert_same(cut, whole)


def test_workers_that_live_on_make_no_difference(tmp_path: Path) -> None:
    """They are started once in the one run and once more in the other, which draws random numbers."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(TinyTask(), recipe(epochs=2, workers=1), whole)

    with pytest.raises(InterruptedError):
        train(TinyTask(), recipe(epochs=2, workers=1), cut, sinks=(interrupt_epoch(2),))
    train(TinyTask(), recipe(epochs=2, workers=1), cut, resume=True)
    assert_same(cut, whole)
    train(TinyTask(), recipe(epochs=2, workers=0), tmp_path / "none")
    assert_same(tmp_path / "none", whole)


def test_weights_of_terms_are_trained_and_go_on_exactly(tmp_path: Path) -> None:
    def task() -> TinyTask:
        entropy, dice = CrossEntropy(ignore_index=IGNORE), Dice(ignore_index=IGNORE)
        learned, followed = UncertaintyWeighting(entropy, dice), RelativeWeighting(entropy, 0.5 * dice)
        return TinyTask(Sequence(Phase(learned, epochs=2), Phase(followed, epochs=2)))

    settings = recipe(epochs=4, optimizer={"adamw": {"lr": 0.02, "weight_decay": 0.5}})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(task(), settings, whole)
    for epoch in (2, 4):
        with pytest.raises(InterruptedError):
            train(task(), settings, cut, sinks=(interrupt_epoch(epoch),), resume=epoch > 2)
    train(task(), settings, cut, resume=True)
    assert_same(cut, whole)

    terms = [event["terms"] for event in events_of(whole, "step")]
    assert terms[0]["dice"]["factor"] == 1.0
    for name, term in terms[5].items():  # worth less where it is above 1/2
        assert term["factor"] != 1.0
        assert (term["factor"] < 1.0) == (terms[0][name]["raw"] > 0.5)
    assert terms[-1]["dice"]["factor"] * terms[-1]["dice"]["raw"] == pytest.approx(0.5, rel=0.2)
    for step, learned in ((terms[5], True), (terms[-1], False)):
        for term in step.values():
            half_log_variance = -math.log(term["factor"]) / 2 if learned else 0.0
            assert term["weighted"] == pytest.approx(term["factor"] * term["raw"] + half_log_variance, rel=1e-4)
