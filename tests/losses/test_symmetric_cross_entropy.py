"""What symmetric cross-entropy alone promises: a way back that is deaf to labels wrong at random."""

from math import log

import pytest
import torch
from torch.nn import functional as F

from piste.losses import SymmetricCrossEntropy

LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.tensor([0, 1, 2, 3, 1])


@pytest.mark.parametrize(("alpha", "beta", "log_zero"), [(0.1, 1.0, -4.0), (6.0, 0.1, -6.0)])
def test_alpha_prices_the_way_there_and_beta_the_way_back(alpha, beta, log_zero) -> None:
    """The way back is -log_zero (1 - p_t), half of it the absolute error of the probabilities."""
    absolute = (LOGITS.softmax(1) - F.one_hot(TARGET, 4)).abs().sum(1).mean() / 2
    expected = alpha * F.cross_entropy(LOGITS, TARGET) - beta * log_zero * absolute
    loss = SymmetricCrossEntropy(alpha=alpha, beta=beta, log_zero=log_zero)
    torch.testing.assert_close(loss(LOGITS, TARGET), expected)


def test_the_way_back_costs_the_same_summed_over_all_labels() -> None:
    loss = SymmetricCrossEntropy(alpha=1e-9, beta=1.0, log_zero=-4.0, reduction="none")
    total = sum(loss(LOGITS, torch.full((5,), c)) for c in range(4))
    torch.testing.assert_close(total, torch.full((5,), 4.0 * 3, dtype=torch.float64), rtol=1e-7, atol=0)


def test_a_soft_label_has_the_logarithms_of_its_own_shares() -> None:
    p, y = (0.75, 0.25), (0.9, 0.1)
    logits = torch.tensor([p], dtype=torch.float64).log()
    value = SymmetricCrossEntropy(alpha=2.0, beta=3.0)(logits, torch.tensor([y], dtype=torch.float64)).item()
    there = -y[0] * log(p[0]) - y[1] * log(p[1])
    back = -p[0] * log(y[0]) - p[1] * log(y[1])
    assert value == pytest.approx(2 * there + 3 * back, rel=1e-12)


@pytest.mark.parametrize("share", [0.0, 1e-30, 1e-3])
@pytest.mark.parametrize("log_zero", [-2.0, -4.0])
def test_no_share_counts_for_less_than_log_zero(share, log_zero) -> None:
    logits = torch.zeros(1, 2, dtype=torch.float64)
    target = torch.tensor([[1 - share, share]], dtype=torch.float64)
    value = SymmetricCrossEntropy(alpha=1.0, beta=1.0, log_zero=log_zero)(logits, target).item()
    assert value == pytest.approx(log(2) - (log_zero + log(1 - share)) / 2, rel=1e-12)


@pytest.mark.parametrize(("keyword", "value"), [("alpha", 0), ("beta", -1), ("log_zero", 0), ("log_zero", 4.0)])
def test_arguments_keep_their_rules(keyword, value) -> None:
    with pytest.raises(ValueError, match=rf"`{keyword}` .*must be"):
        SymmetricCrossEntropy(**{keyword: value})
