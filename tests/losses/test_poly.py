"""What Poly-1 alone promises: cross-entropy with another first factor in its series."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from piste.losses import Poly


@given(st.floats(0.1, 0.95), st.floats(-1.0, 5.0))
def test_only_the_first_factor_of_the_series_changes(p, epsilon) -> None:
    logits = torch.tensor([[log(p / (1 - p)), 0.0]], dtype=torch.float64)
    series = sum((1 - p) ** j / j for j in range(2, 400))
    expected = (1 + epsilon) * (1 - p) + series
    assert Poly(epsilon=epsilon)(logits, torch.tensor([0])).item() == pytest.approx(expected, rel=1e-9)


def test_epsilon_zero_is_cross_entropy() -> None:
    logits = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(Poly(epsilon=0.0)(logits, target), F.cross_entropy(logits, target))


@pytest.mark.parametrize("epsilon", [-1.0, 0.0, 2.0])
def test_epsilon_says_how_hard_what_is_nearly_right_still_pulls(epsilon) -> None:
    """Along the true logit the slope is -(1 - p)(1 + epsilon p): next to nothing at epsilon = -1."""
    p = 0.99
    logits = torch.tensor([[log(p / (1 - p)), 0.0]], dtype=torch.float64, requires_grad=True)
    Poly(epsilon=epsilon)(logits, torch.tensor([0])).backward()
    assert logits.grad[0, 0].item() == pytest.approx(-(1 - p) * (1 + epsilon * p), rel=1e-9)


def test_what_is_surely_right_costs_nothing_and_never_less() -> None:
    logits = torch.linspace(5, 30, 100).unsqueeze(1) * torch.tensor([[1.0, 0.0]])
    costs = Poly(epsilon=-1.0, reduction="none")(logits, torch.zeros(100, dtype=torch.long))
    assert (costs >= 0).all()
    assert costs[-1] == 0


@pytest.mark.parametrize("epsilon", [-1.5, float("nan"), "2"])
def test_epsilon_may_not_make_the_first_factor_negative(epsilon) -> None:
    with pytest.raises(ValueError, match=r"`epsilon` is added to a factor of 1 and must be a number >= -1; got"):
        Poly(epsilon=epsilon)
