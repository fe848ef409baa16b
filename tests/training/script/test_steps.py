"""Optimizers and schedules as calls of torch's own classes: carried out, they are what a run builds."""

from typing import Any

import pytest
import torch
from torch import nn

from piste.training.optimizers import OPTIMIZERS, Optimizer
from piste.training.schedule import Schedule
from piste.training.schedulers import SCHEDULERS, Scheduler
from piste.training.script.steps import optimizer_as_code, schedule_as_code

PER_EPOCH, EPOCHS = 3, 5
SETTINGS: list[dict[str, Any]] = [
    {"constant": {}},
    {"step": {"step_size": 1.4, "gamma": 0.5}},
    {"multistep": {"milestones": [3, 1.5]}},
    {"exponential": {}},
    {"cosine": {"final_fraction": 0.1, "warmup": 1}},
    {"cyclic": {"step_size": 1.0}},
    {"cyclic": {"mode": "exp_range", "gamma": 0.9}},
    {"one_cycle": {}},
    {"one_cycle": {"pct_start": 0.01, "anneal_strategy": "linear", "div_factor": 10.0}},
]


def built(settings: Optimizer) -> torch.optim.Optimizer:
    """The optimizer that the code makes."""
    names: dict[str, Any] = {"torch": torch, "parameters": [nn.Parameter(torch.zeros(1))]}
    if settings.name == "lion":
        exec("from timm.optim import Lion", names)
    optimizer: torch.optim.Optimizer = eval(optimizer_as_code(settings, "parameters"), names)
    return optimizer


@pytest.mark.parametrize("name", OPTIMIZERS.things)
def test_an_optimizer_as_code_has_the_same_settings(name: str) -> None:
    for given in ({}, {"lr": 0.02, "weight_decay": 0.3} if name != "rprop" else {"lr": 0.02}):
        settings = OPTIMIZERS.read({name: given})
        assert isinstance(settings, Optimizer)
        ours, code = settings.build([nn.Parameter(torch.zeros(1))]), built(settings)
        assert type(code) is type(ours)
        assert code.defaults == ours.defaults


@pytest.mark.parametrize("entry", SETTINGS, ids=str)
def test_a_schedule_as_code_has_the_same_rates(entry: dict[str, Any]) -> None:
    settings, optimizer = SCHEDULERS.read(entry), OPTIMIZERS.read({"sgd": {"lr": 0.3}})
    assert isinstance(settings, Scheduler)
    assert isinstance(optimizer, Optimizer)
    ours, code = built(optimizer), built(optimizer)
    schedule = Schedule(settings, ours, per_epoch=PER_EPOCH, epochs=EPOCHS)
    call = schedule_as_code(settings, 0.3, PER_EPOCH, EPOCHS)
    theirs = call and eval(call, {"torch": torch, "optimizer": code})
    warmup = round(settings.warmup * PER_EPOCH)
    for step in range(PER_EPOCH * EPOCHS - 1):
        assert code.param_groups[0]["lr"] * min(1.0, (step + 1) / (warmup + 1)) == pytest.approx(schedule.lr, rel=1e-9)
        for moved in (ours, code):
            moved.step()
        schedule.step()
        if theirs and step + 1 > warmup:
            theirs.step()


def test_every_schedule_is_written_or_refused_by_name() -> None:
    written = {next(iter(entry)) for entry in SETTINGS}
    assert SCHEDULERS.things.keys() - written == {"plateau"}
    plateau = SCHEDULERS.read("plateau")
    assert isinstance(plateau, Scheduler)
    with pytest.raises(ValueError, match="can't have plateau"):
        schedule_as_code(plateau, 0.1, 3, 5)
