"""Losses of values and of images as scripts have them: the value and the gradient of ours."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

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
IMAGES: dict[str, list[dict[str, Any]]] = {
    "ssim": [{}, {"window": 4, "sigma": 0.8, "k1": 0.3, "data_range": 2.0}],
    "multi_scale_ssim": [{"window": 3, "exponents": [0.4, 0.6]}, {"window": 4, "exponents": [0.3, 0.3, 0.3]}],
    "total_variation": [
        {},
        {"isotropic": True},
        {"exponent": 2.0},
        {"exponent": 1.25},
        {"exponent": 1.5, "isotropic": True},
    ],
}
VGG = {"network": "vgg11", "weights": "random"}
IMAGES |= {
    "perceptual": [
        VGG | {"layers": ["features.4"]},
        VGG | {"layers": ["features.0", "features.3"], "layer_weights": [0.5, 3.0], "mean": (0.1, 0.2, 0.3)},
    ],
    "style": [VGG | {"layers": ["features.1", "features.6"]}],
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


@pytest.mark.parametrize("name", IMAGES)
def test_code_of_a_loss_of_images_has_its_value_and_gradient(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(3, 3, 23, 19, generator=generator)
    prediction = target + 0.1 * torch.randn(3, 3, 23, 19, generator=generator)
    prediction[0, :, 3:7, 5:9] = 0.5  # flat: no slope of a root
    for keywords in IMAGES[name]:
        assert_alike(catalogue()[name].cls(**keywords), prediction, target)


def test_windows_at_one_scale_and_at_several_share_their_code() -> None:
    kinds = [catalogue()[name].cls for name in ("multi_scale_ssim", "ssim")]
    prediction, target = torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24)
    for order in (kinds, kinds[::-1]):
        losses, made = (
            Losses(TASK),
            [kind(window=5) if kind is kinds[1] else kind(window=5, exponents=[1, 2]) for kind in order],
        )
        calls = [losses.call(loss, {}) for loss in made]
        names = carried_out(list(losses.functions.values())) | {"prediction": prediction, "target": target}
        for loss, call in zip(made, calls, strict=True):
            torch.testing.assert_close(eval(call, names), loss(prediction, target))


def test_networks_of_one_s_own_are_refused() -> None:
    own = catalogue()["style"].cls(network=nn.Sequential(nn.Identity()), layers=["0"])
    with pytest.raises(ValueError, match="can't hold style of any network; it can hold that of layers"):
        Losses(TASK).call(own, {})


@pytest.mark.parametrize(("name", "keyword"), [("huber", "delta"), ("quantile", "q"), ("charbonnier", "epsilon")])
def test_a_keyword_that_moves_is_an_argument(name: str, keyword: str) -> None:
    losses, kind = Losses(TASK), catalogue()[name].cls
    call = losses.call(kind(), {keyword: "amount"})
    names = carried_out(list(losses.functions.values()))
    prediction, target = torch.tensor([[0.5], [3.0]]), torch.tensor([[0.0], [2.5]])
    for amount in (0.2, 0.7):
        found = eval(call, names | {"prediction": prediction, "target": target, "amount": amount})
        torch.testing.assert_close(found, kind(**{keyword: amount})(prediction, target))
