"""What Tversky alone promises: alpha prices false positives, beta false negatives."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import Dice, Jaccard, Tversky, spec_of

PRICES = st.floats(0.01, 10.0)


@given(PRICES, PRICES)
def test_alpha_prices_false_positives_and_beta_false_negatives(alpha, beta) -> None:
    loss = Tversky(alpha=alpha, beta=beta, activation="sigmoid")
    target = torch.tensor([[[1.0, 1.0, 1.0, 0.0, 0.0]]])
    false_alarms = loss(torch.tensor([[[100.0, 100.0, 100.0, 100.0, 100.0]]]), target)
    assert false_alarms.item() == pytest.approx(2 * alpha / (3 + 2 * alpha), rel=1e-5)
    misses = loss(torch.tensor([[[100.0, -100.0, -100.0, -100.0, -100.0]]]), target)
    assert misses.item() == pytest.approx(2 * beta / (1 + 2 * beta), rel=1e-5)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_is_dice_at_one_half_and_jaccard_at_one(activation) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 7, 5, generator=generator)
    target = torch.randint(3, (2, 7, 5), generator=generator)
    if activation == "sigmoid":
        target = torch.rand(2, 3, 7, 5, generator=generator)
    for price, same in ((0.5, Dice), (1.0, Jaccard)):
        value = Tversky(alpha=price, beta=price, activation=activation)(logits, target)
        torch.testing.assert_close(value, same(activation=activation)(logits, target))


def test_a_dear_miss_pulls_an_uncertain_element_up_and_a_dear_false_alarm_down() -> None:
    """Half of what looks alike is true: the slope of a common logit shows which way the loss leans."""
    target = torch.tensor([[[1.0, 0.0] * 10]])
    slopes = []
    for alpha, beta in ((0.1, 0.9), (0.9, 0.1)):
        shared = torch.zeros(1, requires_grad=True)
        Tversky(alpha=alpha, beta=beta, activation="sigmoid")(shared.expand(1, 1, 20), target).backward()
        slopes.append(shared.grad.item())
    assert slopes[0] < slopes[1]
    assert slopes[0] < 0


def test_leans_to_recall_when_misses_are_dearer() -> None:
    spec = spec_of(Tversky)
    assert spec.leaning() == "recall"
    assert spec.leaning(alpha=0.7, beta=0.3) == "precision"
    assert spec.leaning(alpha=0.5, beta=0.5) == "neither"


@pytest.mark.parametrize("keyword", ["alpha", "beta"])
def test_a_price_must_not_be_negative(keyword) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` is the price of a false .*must be a number >= 0; got -1"):
        Tversky(**{keyword: -1})


def test_something_must_have_a_price() -> None:
    with pytest.raises(ValueError, match="`alpha` and `beta` must not both be 0"):
        Tversky(alpha=0, beta=0)
