import math

import pytest
import torch
from torch import nn

from piste.training.optimizers import OPTIMIZERS, Lion, Optimizer


def test_every_optimizer_that_is_promised_is_there() -> None:
    promised = "adam adamw sgd adadelta adagrad adamax asgd rprop rmsprop lion"
    assert set(OPTIMIZERS.things) == set(promised.split())


@pytest.mark.parametrize("name", OPTIMIZERS.things)
def test_every_optimizer_goes_down_a_bowl(name: str) -> None:
    settings = OPTIMIZERS.read(name)
    assert isinstance(settings, Optimizer)
    point = nn.Parameter(torch.tensor([0.5, -0.3]))
    optimizer = settings.build([point])
    assert optimizer.param_groups[0]["lr"] == settings.lr
    for _ in range(20):
        optimizer.zero_grad()
        (point**2).sum().backward()
        optimizer.step()
    assert float((point**2).sum().detach()) < 0.5**2 + 0.3**2


@pytest.mark.parametrize("name", OPTIMIZERS.things)
def test_every_setting_reaches_the_optimizer(name: str) -> None:
    settings = OPTIMIZERS.read({name: {"lr": 0.03}})
    assert isinstance(settings, Optimizer)
    (group,) = settings.build([nn.Parameter(torch.zeros(1))]).param_groups
    for setting, value in settings.model_dump().items():
        assert group[setting] == value, setting


def test_lion_moves_by_the_sign_of_its_momentum() -> None:
    """Chen et al. 2023, algorithm 2: the first step is lr * sign(gradient)."""
    point = nn.Parameter(torch.tensor([5.0, -0.001]))
    optimizer = Lion(lr=0.25).build([point])
    (point**2).sum().backward()
    optimizer.step()
    torch.testing.assert_close(point.detach(), torch.tensor([4.75, 0.249]))


@pytest.mark.parametrize("lr", [0, -1, math.inf, math.nan])
@pytest.mark.parametrize("name", OPTIMIZERS.things)
def test_a_rate_is_a_positive_number(name: str, lr: float) -> None:
    with pytest.raises(ValueError, match=f"{name}.lr should be"):
        OPTIMIZERS.read({name: {"lr": lr}})


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="sgd: nesterov needs momentum > 0 and dampening 0"):
        OPTIMIZERS.read({"sgd": {"nesterov": True, "momentum": 0}})
