"""What generalized cross-entropy alone promises: a way from cross-entropy to absolute error, and a ceiling."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import GeneralizedCrossEntropy

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))


def test_towards_q_zero_it_becomes_cross_entropy() -> None:
    value = GeneralizedCrossEntropy(q=1e-9)(LOGITS, TARGET)
    torch.testing.assert_close(value, F.cross_entropy(LOGITS, TARGET), rtol=1e-7, atol=0)


def test_at_q_one_it_is_half_the_absolute_error_of_the_probabilities() -> None:
    one_hot = F.one_hot(TARGET, 3).movedim(-1, 1)
    expected = (LOGITS.softmax(1) - one_hot).abs().sum(1).mean() / 2
    torch.testing.assert_close(GeneralizedCrossEntropy(q=1.0)(LOGITS, TARGET), expected)


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_no_label_costs_more_than_1_over_q(q) -> None:
    value = GeneralizedCrossEntropy(q=q)(torch.tensor([[1e4, 0.0]]), torch.tensor([1]))
    torch.testing.assert_close(value, torch.tensor(1 / q))


@pytest.mark.parametrize("q", [0.3, 0.7])
def test_a_label_pulls_as_in_cross_entropy_times_p_to_the_q(q) -> None:
    """The share p^q is what lets a label that looks wrong go unheard."""
    logits = torch.tensor([[0.0, 9.0]], dtype=torch.float64, requires_grad=True)
    loss = GeneralizedCrossEntropy(q=q)(logits, torch.tensor([0]))
    (slope,) = torch.autograd.grad(loss, logits)
    p = logits.detach().softmax(1)
    torch.testing.assert_close(slope, p[0, 0] ** q * (p - torch.tensor([[1.0, 0.0]])))


@pytest.mark.parametrize("q", [0, -0.5, 1.5, None])
def test_q_lies_between_the_two(q) -> None:
    with pytest.raises(ValueError, match=r"`q` is an exponent and must be a number > 0 and <= 1; got"):
        GeneralizedCrossEntropy(q=q)
