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


@pytest.mark.parametrize("q", [0, 1, 1.0, 1.5, -0.5, [0.1, 0.9]])
def test_q_lies_between_nothing_and_all(q) -> None:
    with pytest.raises(ValueError, match=r"`q` .*must be"):
        Quantile(q=q)
