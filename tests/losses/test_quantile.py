"""What the quantile loss alone promises: it leans so far that a share q of the targets lies below."""

import pytest
import torch

from piste.losses import AbsoluteError, Quantile

TARGET = torch.randn(999, generator=torch.Generator().manual_seed(0), dtype=torch.float64).exp()


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
def test_no_constant_costs_less_than_the_quantile_of_the_targets(q) -> None:
    loss = Quantile(q=q)
    best = loss(torch.quantile(TARGET, q).expand_as(TARGET), TARGET)
    for other in torch.linspace(0.01, 8, 50, dtype=torch.float64):
        assert loss(other.expand_as(TARGET), TARGET) >= best


@pytest.mark.parametrize("q", [0.1, 0.75])
def test_a_unit_too_low_costs_q_and_a_unit_too_high_the_rest(q) -> None:
    costs = Quantile(q=q, reduction="none")(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.0]))
    torch.testing.assert_close(costs, torch.tensor([q, 1 - q]))


def test_the_median_is_half_the_absolute_error_slope_and_all() -> None:
    slopes = []
    for loss, factor in ((Quantile(), 2.0), (AbsoluteError(), 1.0)):
        prediction = torch.tensor([1.0, 2.0, 5.0], requires_grad=True)
        (factor * loss(prediction, torch.full((3,), 2.0))).backward()
        slopes.append(prediction.grad)
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("q", [0, 1, 1.0, 1.5, -0.5, [], [0.1, 1.0], [0.1, True], "0.5"])
def test_q_lies_between_nothing_and_all(q) -> None:
    with pytest.raises(ValueError, match=r"`q` .*must be"):
        Quantile(q=q)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 5, 3), (2, 2, 5, 3), (700, 101, 3)])
def test_each_quantile_of_a_list_prices_its_own_place_along_the_last_axis(shape) -> None:
    generator = torch.Generator().manual_seed(1)
    prediction, target = (torch.randn(shape, generator=generator) for _ in range(2))
    qs, slopes, values = [0.1, 0.5, 0.8], [], []
    for loss in (lambda p: Quantile(q=qs)(p, target), lambda p: alone(p, target, qs)):
        leaf = prediction.clone().requires_grad_()
        values.append(loss(leaf))
        values[-1].backward()
        slopes.append(leaf.grad)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*slopes)


def alone(prediction: torch.Tensor, target: torch.Tensor, qs: list[float]) -> torch.Tensor:
    return sum(Quantile(q=q)(prediction[..., i], target[..., i]) for i, q in enumerate(qs)) / len(qs)


def test_a_mask_and_weights_hold_for_several_quantiles() -> None:
    loss, prediction, target = Quantile(q=[0.1, 0.9]), torch.zeros(2, 2), torch.ones(2, 2)
    assert loss(prediction, target, mask=torch.tensor([[True, False], [False, False]])) == pytest.approx(0.1)
    assert loss(prediction, target, sample_weight=torch.tensor([[3.0, 1.0]])) == pytest.approx((3 * 0.1 + 0.9) / 4)
    costs = Quantile(q=[0.1, 0.9], reduction="none")(prediction, target)
    torch.testing.assert_close(costs, torch.tensor([[0.1, 0.9]] * 2))


def test_there_must_be_a_prediction_for_each_quantile() -> None:
    with pytest.raises(ValueError, match=r"for each of the 3 quantiles along its last axis; got \[4, 2\]"):
        Quantile(q=[0.1, 0.5, 0.9])(torch.zeros(4, 2), torch.zeros(4, 2))


def test_several_quantiles_compile_whole() -> None:
    loss, prediction = Quantile(q=[0.1, 0.9]), torch.randn(5, 2)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(prediction, torch.zeros(5, 2)), loss(prediction, torch.zeros(5, 2)))
