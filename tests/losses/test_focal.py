"""What the focal loss alone promises: what gamma and alpha do, and a gradient where the model is sure."""

from math import log, log1p

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from piste.losses import Focal, spec_of


def test_gamma_zero_is_cross_entropy() -> None:
    logits = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(Focal(gamma=0.0)(logits, target), F.cross_entropy(logits, target))


@given(st.floats(0.01, 0.99), st.floats(0.0, 5.0))
def test_gamma_takes_its_say_from_what_is_easy(p, gamma) -> None:
    logits = torch.tensor([[log(p / (1 - p)), 0.0]], dtype=torch.float64)
    value = Focal(gamma=gamma)(logits, torch.tensor([0])).item()
    assert value == pytest.approx(-((1 - p) ** gamma) * log(p), rel=1e-6)


def test_alpha_is_the_positives_share_and_the_rest_the_negatives() -> None:
    loss = Focal(gamma=0.0, alpha=0.25, activation="sigmoid", reduction="none")
    torch.testing.assert_close(
        loss(torch.zeros(2, 1), torch.tensor([[1], [0]])) / log(2), torch.tensor([[0.25], [0.75]])
    )


def test_a_detectors_first_step_costs_next_to_nothing() -> None:
    """With bias -ln 99, so that p = 0.01, a negative costs 0.75 * 0.01^2 * -ln 0.99: the paper's start."""
    logits = torch.full((1, 1), -log(99), dtype=torch.float64)
    value = Focal(gamma=2.0, alpha=0.25, activation="sigmoid")(logits, torch.zeros(1, 1)).item()
    assert value == pytest.approx(0.75 * 0.01**2 * -log1p(-0.01), rel=1e-12)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [17.0, 50.0, 120.0, 1e4])
def test_gradient_is_finite_and_small_where_the_model_is_sure_and_right(activation, gamma, size) -> None:
    logits = torch.tensor([[size, -size]], requires_grad=True)
    target = torch.tensor([0]) if activation == "softmax" else torch.tensor([[1, 0]])
    Focal(gamma=gamma, activation=activation)(logits, target).backward()
    assert logits.grad.abs().max() < 1e-6


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_confident_mistake_keeps_its_full_slope(gamma) -> None:
    """Where p_t -> 0, (1 - p_t)^gamma -> 1 and the slope is that of cross-entropy, -1: nothing is clipped."""
    logits = torch.tensor([[-1e4, 0.0]], requires_grad=True)
    Focal(gamma=gamma)(logits, torch.tensor([0])).backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[-1.0, 1.0]]))


def test_class_weights_do_not_change_the_focusing() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 2, 2, 1])
    weight = torch.tensor([1.0, 10.0, 0.1])
    each = Focal(reduction="none")(logits, target)
    expected = (weight[target] * each).sum() / weight[target].sum()
    torch.testing.assert_close(Focal(weight=weight)(logits, target), expected)


def test_alpha_needs_sigmoid() -> None:
    with pytest.raises(
        ValueError, match=r"`alpha` .* needs activation=\"sigmoid\"; got 0.25 with softmax. Use weight="
    ):
        Focal(alpha=0.25)


@pytest.mark.parametrize(
    ("keyword", "value"), [("gamma", -0.5), ("gamma", float("inf")), ("alpha", 1.5), ("alpha", "a")]
)
def test_gamma_is_an_exponent_and_alpha_a_share(keyword, value) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` is .* must be a number >= 0.*; got"):
        Focal(activation="sigmoid", **{keyword: value})


def test_leans_as_alpha_says() -> None:
    assert [spec_of(Focal).leaning(alpha=alpha) for alpha in (None, 0.25, 0.5, 0.75)] == [
        "neither",
        "precision",
        "neither",
        "recall",
    ]
