"""Losses of values as scripts have them: the value and the gradient of ours."""

from typing import Any

import pytest
import torch
from torch import Tensor

from piste.losses import catalogue
from piste.tasks.base import Scripted
from piste.training.script.losses import Losses
from piste.training.script.whole import IMPORTS

TASK = Scripted(
    constants=(),
    code=(),
    lists=(),
    given=("prediction", "target"),
    counted="target.numel()",
    activation="softmax",
    classes=0,
    axes=0,
    metrics=("mae",),
)
VALUES: dict[str, list[dict[str, Any]]] = {
    "absolute_error": [{}],
    "squared_error": [{}],
    "huber": [{}, {"delta": 0.3}],
    "log_cosh": [{}],
    "charbonnier": [{}, {"epsilon": 0.5}],
    "quantile": [{}, {"q": 0.9}, {"q": [0.05, 0.5, 0.95]}],
}


def carried_out(code: list[str]) -> dict[str, Any]:
    """The names that code defines, with all that a script imports."""
    names: dict[str, Any] = {"DEVICE": "cpu"}
    exec("\n".join([*IMPORTS.values(), *code]), names)
    return names


def assert_alike(loss: Any, prediction: Tensor, target: Tensor) -> None:
    losses = Losses(TASK)
    call = losses.call(loss, {})
    names = carried_out(list(losses.functions.values()))
    ours, theirs = (prediction.clone().requires_grad_() for _ in range(2))
    ours_value, value = loss(ours, target), eval(call, names | {"prediction": theirs, "target": target})
    torch.testing.assert_close(value, ours_value, rtol=1e-5, atol=1e-7)
    ours_value.backward()
    value.backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=2e-4, atol=1e-7)


def test_all_losses_of_values_are_tried() -> None:
    assert set(VALUES) == {name for name, spec in catalogue().items() if spec.family == "values"}


@pytest.mark.parametrize("name", VALUES)
def test_code_of_a_loss_of_values_has_its_value_and_gradient(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    prediction, target = (2 * torch.randn(5, 2, 3, generator=generator) for _ in range(2))
    prediction[0] = target[0]
    for keywords in VALUES[name]:
        assert_alike(catalogue()[name].cls(**keywords), prediction, target)


@pytest.mark.parametrize(("name", "keyword"), [("huber", "delta"), ("quantile", "q"), ("charbonnier", "epsilon")])
def test_a_keyword_that_moves_is_an_argument(name: str, keyword: str) -> None:
    losses, kind = Losses(TASK), catalogue()[name].cls
    call = losses.call(kind(), {keyword: "amount"})
    names = carried_out(list(losses.functions.values()))
    prediction, target = torch.tensor([[0.5], [3.0]]), torch.tensor([[0.0], [2.5]])
    for amount in (0.2, 0.7):
        found = eval(call, names | {"prediction": prediction, "target": target, "amount": amount})
        torch.testing.assert_close(found, kind(**{keyword: amount})(prediction, target))
