"""What the asymmetric loss alone promises: positives and negatives lose their say at rates of their own."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import Asymmetric, BinaryCrossEntropy, Focal, spec_of

LOGITS = 3 * torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.arange(60).view(4, 3, 5) % 2
P, EXPONENT = st.floats(0.01, 0.99), st.floats(0.0, 5.0)


def _cost(p: float, label: int, **keywords: float) -> float:
    logit = torch.tensor([[log(p / (1 - p))]], dtype=torch.float64)
    return Asymmetric(**keywords)(logit, torch.tensor([[label]])).item()


@given(P, EXPONENT, EXPONENT)
def test_gamma_pos_is_the_positives_and_gamma_neg_the_negatives(p, gamma_pos, gamma_neg) -> None:
    keywords = {"gamma_pos": gamma_pos, "gamma_neg": gamma_neg, "clip": 0.0}
    assert _cost(p, 1, **keywords) == pytest.approx(-((1 - p) ** gamma_pos) * log(p), rel=1e-9)
    assert _cost(p, 0, **keywords) == pytest.approx(-(p**gamma_neg) * log(1 - p), rel=1e-9)


@given(P, st.floats(0.01, 0.5), st.sampled_from([0.0, 2.0]))
def test_clip_takes_from_the_probability_of_a_negative_alone(p, clip, gamma) -> None:
    shifted = max(p - clip, 0.0)
    expected = -(shifted**gamma) * log(1 - shifted)
    assert _cost(p, 0, gamma_neg=gamma, clip=clip) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert _cost(p, 1, gamma_neg=gamma, clip=clip) == pytest.approx(-log(p), rel=1e-9)


def test_without_asymmetry_it_is_focal_and_cross_entropy() -> None:
    value = Asymmetric(gamma_pos=2.0, gamma_neg=2.0, clip=0.0)(LOGITS, TARGET)
    torch.testing.assert_close(value, Focal(gamma=2.0, activation="sigmoid")(LOGITS, TARGET))
    value = Asymmetric(gamma_pos=0.0, gamma_neg=0.0, clip=0.0)(LOGITS, TARGET)
    torch.testing.assert_close(value, BinaryCrossEntropy()(LOGITS, TARGET))


def test_a_negative_below_the_clip_has_no_slope_and_one_far_above_less_than_one_in_doubt() -> None:
    logits = torch.tensor([[-4.0, 2.0, 12.0]], requires_grad=True)
    Asymmetric(reduction="sum")(logits, torch.zeros(1, 3)).backward()
    assert logits.grad[0, 0] == 0
    assert logits.grad[0, 1] > 100 * logits.grad[0, 2] > 0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("clip", [0.0, 1e-9, 0.05])
@pytest.mark.parametrize("size", [-1e4, -50.0, 50.0, 1e4])
def test_slopes_are_finite_where_the_model_is_sure(gamma, clip, size) -> None:
    logits = torch.full((2, 1), size, requires_grad=True)
    value = Asymmetric(gamma_pos=gamma, gamma_neg=gamma, clip=clip)(logits, torch.tensor([[1], [0]]))
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_leans_to_recall_as_negatives_are_let_off() -> None:
    spec = spec_of(Asymmetric)
    assert spec.leaning() == "recall"
    assert spec.leaning(gamma_pos=4.0, gamma_neg=1.0) == "precision"
    assert spec.leaning(gamma_pos=2.0, gamma_neg=2.0) == "recall"
    assert spec.leaning(gamma_pos=2.0, gamma_neg=2.0, clip=0.0) == "neither"


@pytest.mark.parametrize(
    ("keyword", "value"), [("gamma_pos", -1), ("gamma_neg", -1), ("clip", -0.1), ("clip", 1), ("clip", 1.5)]
)
def test_arguments_keep_their_rules(keyword, value) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` .*must be"):
        Asymmetric(**{keyword: value})
