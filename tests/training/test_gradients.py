import math

import pytest
import torch
from torch import Tensor, nn

from piste.training.gradients import Gradients


def parameters(*gradients: list[float] | None) -> list[tuple[str, nn.Parameter]]:
    named = []
    for i, gradient in enumerate(gradients):
        parameter = nn.Parameter(torch.zeros(len(gradient or [0.0])))
        parameter.grad = None if gradient is None else torch.tensor(gradient)
        named.append((f"layer{i}", parameter))
    return named


def grads(named: list[tuple[str, nn.Parameter]]) -> list[Tensor]:
    return [parameter.grad for _, parameter in named if parameter.grad is not None]


def test_norms_are_those_of_each_and_of_all() -> None:
    norms = Gradients(parameters([3.0, 4.0], None, [12.0])).norms()
    assert norms.names == ["layer0", "layer2"]
    assert norms.each.tolist() == [5.0, 12.0]
    assert norms.total.item() == 13.0


def test_clipping_keeps_the_direction() -> None:
    named = parameters([3.0, 4.0], [12.0])
    gradients = Gradients(named)
    gradients.clip(1.3, gradients.norms())
    torch.testing.assert_close(grads(named), [torch.tensor([0.3, 0.4]), torch.tensor([1.2])], rtol=1e-4, atol=0)


def test_what_is_short_enough_is_not_clipped() -> None:
    named = parameters([3.0, 4.0])
    gradients = Gradients(named)
    gradients.clip(5.1, gradients.norms())
    assert grads(named)[0].tolist() == [3.0, 4.0]


def test_a_step_in_which_nothing_counted_has_no_gradient() -> None:
    named = parameters([0.0, 0.0])
    Gradients(named).divide(torch.tensor(0.0))
    assert grads(named)[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_first_bad_layer_on_the_way_back_is_the_last_in_order(bad: float) -> None:
    norms = Gradients(parameters([bad], [1.0, bad], [2.0])).norms()
    assert not math.isfinite(norms.total.item())
    assert norms.first_bad() == "layer1"
