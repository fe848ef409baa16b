"""The rate of each step, against arithmetic."""

from typing import Any

import pytest
import torch
from torch import nn

from piste.training.schedule import Schedule
from piste.training.schedulers import SCHEDULERS, Scheduler

BASE = 0.8


def schedule_of(entry: Any, *, per_epoch: int, epochs: int) -> tuple[Schedule, torch.optim.Optimizer]:
    settings = SCHEDULERS.read(entry)
    assert isinstance(settings, Scheduler)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=BASE)
    return Schedule(settings, optimizer, per_epoch=per_epoch, epochs=epochs), optimizer


def rates(entry: Any, steps: int, *, per_epoch: int, epochs: int) -> list[float]:
    """The rate of each step as a fraction of the base rate."""
    schedule, optimizer = schedule_of(entry, per_epoch=per_epoch, epochs=epochs)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"] / BASE)
        assert schedule.lr == optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
    return found


def test_every_scheduler_that_is_promised_is_there() -> None:
    promised = "constant step multistep exponential cosine cyclic plateau one_cycle"
    assert set(SCHEDULERS.things) == set(promised.split())


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1, 1]),
        ({"step": {"step_size": 1.5, "gamma": 0.5}}, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ({"multistep": {"milestones": [3, 0.5], "gamma": 0.5}}, [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]),
        # a quarter over an epoch of two steps is a half each
        ({"exponential": {"gamma": 0.25}}, [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128]),
        # (1 + cos(pi t / 8)) / 2
        ("cosine", [1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]),
        # 0.2 + 0.8 (1 + cos(pi t / 8)) / 2
        ({"cosine": {"final_fraction": 0.2}}, [1, 0.969552, 0.882843, 0.753073, 0.6, 0.446927, 0.317157, 0.230448]),
        # two steps up, two down
        ({"cyclic": {"step_size": 1, "low_fraction": 0.2}}, [0.2, 0.6, 1, 0.6, 0.2, 0.6, 1, 0.6]),
        # a quarter of eight steps is two: torch reaches the top at step 0.25 * 8 - 1 = 1, the end at step 7
        (
            {"one_cycle": {"pct_start": 0.25, "div_factor": 4, "final_div_factor": 5, "anneal_strategy": "linear"}},
            [0.25, 1, 1 - 0.95 / 6, 1 - 2 * 0.95 / 6, 1 - 3 * 0.95 / 6, 1 - 4 * 0.95 / 6, 1 - 5 * 0.95 / 6, 0.05],
        ),
    ],
    ids=str,
)
def test_a_schedule_moves_at_each_step(entry: Any, expected: list[float]) -> None:
    assert rates(entry, 8, per_epoch=2, epochs=4) == pytest.approx(expected, abs=1e-6)


def test_warm_up_rises_in_equal_steps_and_the_schedule_begins_after_it() -> None:
    """Three steps of warm-up, then half a cosine over the five that are left."""
    cosine = [1, 0.904508, 0.654508, 0.345492, 0.095492]
    found = rates({"cosine": {"warmup": 1.5}}, 8, per_epoch=2, epochs=4)
    assert found == pytest.approx([0.25, 0.5, 0.75, *cosine], abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", [name for name in SCHEDULERS.things if name != "multistep"])
def test_a_schedule_lasts_as_long_as_the_shortest_training(name: str, steps: int) -> None:
    assert all(0 <= rate <= 1 for rate in rates(name, steps, per_epoch=1, epochs=steps))


@pytest.mark.parametrize(
    "entry",
    ["constant", "step", "exponential", {"cosine": {"final_fraction": 0.3, "warmup": 1}}, "cyclic", "one_cycle"],
    ids=str,
)
def test_a_phase_scales_the_rate_and_leaves_the_schedule_alone(entry: Any) -> None:
    plain = rates(entry, 8, per_epoch=2, epochs=4)
    schedule, optimizer = schedule_of(entry, per_epoch=2, epochs=4)
    for step, rate in enumerate(plain):
        schedule.scale = 0.1 if 2 <= step < 5 else 1.0
        assert schedule.lr == pytest.approx(BASE * rate * schedule.scale)
        optimizer.step()
        schedule.step()


def test_a_plateau_waits_then_lowers_the_rate() -> None:
    plateau = {"plateau": {"patience": 1, "factor": 0.5, "threshold": 0.05, "mode": "max"}}
    schedule, optimizer = schedule_of(plateau, per_epoch=1, epochs=9)
    schedule.scale = 0.1
    found = []
    for value in (0.5, 0.52, 0.54, 0.6, 0.6, float("nan"), 0.9):  # gains below 0.05 are none
        optimizer.step()
        schedule.step()
        schedule.watch(value)
        found.append(schedule.lr / (BASE * 0.1))
    assert found == pytest.approx([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25])


def test_a_plateau_may_fall_no_further_than_it_should() -> None:
    schedule, _ = schedule_of({"plateau": {"patience": 0, "min_fraction": 0.02}}, per_epoch=1, epochs=9)
    for _ in range(5):
        schedule.watch(0.0)
    assert schedule.lr == pytest.approx(0.02 * BASE)


def test_a_plateau_can_forget_what_it_saw() -> None:
    schedule, _ = schedule_of({"plateau": {"patience": 0, "mode": "min"}}, per_epoch=1, epochs=9)
    schedule.watch(0.1)
    schedule.forget()
    schedule.watch(5.0)
    assert schedule.lr == pytest.approx(BASE)
    schedule.watch(5.0)
    assert schedule.lr == pytest.approx(BASE * 0.1)


@pytest.mark.parametrize("entry", ["step", {"cosine": {"warmup": 1}}, "cyclic", "plateau", "one_cycle"], ids=str)
def test_a_state_goes_on_exactly(entry: Any) -> None:
    whole, optimizer = schedule_of(entry, per_epoch=2, epochs=4)
    for _ in range(4):
        optimizer.step()
        whole.step()
    whole.scale = 0.3
    resumed, again = schedule_of(entry, per_epoch=2, epochs=4)
    again.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(whole.state_dict())
    for _ in range(3):
        assert resumed.lr == whole.lr
        for part, steps in ((optimizer, whole), (again, resumed)):
            part.step()
            steps.step()
            steps.watch(0.0)
    assert resumed.lr == whole.lr
