"""What varifocal loss alone promises: negatives are focal, positives weigh what they are worth."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import Varifocal

P = st.floats(0.01, 0.99)


def _cost(p: float, label: float, **keywords: float) -> float:
    logit = torch.tensor([[log(p / (1 - p))]], dtype=torch.float64)
    return Varifocal(**keywords)(logit, torch.tensor([[label]], dtype=torch.float64)).item()


@given(P, st.floats(0.1, 2.0), st.floats(0.0, 4.0))
def test_alpha_and_gamma_are_the_negatives_alone(p, alpha, gamma) -> None:
    assert _cost(p, 0.0, alpha=alpha, gamma=gamma) == pytest.approx(-alpha * p**gamma * log(1 - p), rel=1e-9)
    assert _cost(p, 1.0, alpha=alpha, gamma=gamma) == pytest.approx(-log(p), rel=1e-9)


@given(P, st.floats(0.01, 1.0))
def test_a_positive_pulls_to_its_label_as_hard_as_it_is_worth(p, q) -> None:
    """The slope of q times cross-entropy is q (p - q)."""
    logit = torch.tensor([[log(p / (1 - p))]], dtype=torch.float64, requires_grad=True)
    Varifocal()(logit, torch.tensor([[q]], dtype=torch.float64)).backward()
    assert logit.grad.item() == pytest.approx(q * (p - q), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("size", [-1e4, -50.0, 17.0, 50.0, 1e4])
def test_slopes_are_finite_where_the_model_is_sure(gamma, size) -> None:
    logits = torch.full((3, 1), size, requires_grad=True)
    Varifocal(gamma=gamma)(logits, torch.tensor([[0.0], [0.5], [1.0]])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("keyword", "value"), [("alpha", 0), ("alpha", -1), ("gamma", -0.5)])
def test_arguments_keep_their_rules(keyword, value) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` is .*must be a number"):
        Varifocal(**{keyword: value})
