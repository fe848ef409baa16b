"""What the quadratic loss alone promises: a ceiling, properness, and one scale for both activations."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import Quadratic

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
TARGET = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))


def test_is_the_squared_distance_to_the_one_hot_label() -> None:
    one_hot = F.one_hot(TARGET, 3).movedim(-1, 1).float()
    expected = 3 * F.mse_loss(LOGITS.softmax(1), one_hot)
    torch.testing.assert_close(Quadratic()(LOGITS, TARGET), expected)
    torch.testing.assert_close(Quadratic()(LOGITS, one_hot), expected)


def test_a_label_costs_the_same_as_two_exclusive_classes() -> None:
    x = torch.linspace(-4, 4, 9).unsqueeze(1)
    label = torch.arange(9).unsqueeze(1) % 2
    pairs = torch.cat((torch.zeros_like(x), x), 1)
    one_by_one = Quadratic(activation="sigmoid", reduction="none")(x, label).squeeze(1)
    torch.testing.assert_close(one_by_one, Quadratic(reduction="none")(pairs, label.squeeze(1)))


@pytest.mark.parametrize("size", [30.0, 100.0, 1e4])
def test_no_mistake_costs_more_than_two(size) -> None:
    value = Quadratic()(torch.tensor([[size, -size, 0.0]]), torch.tensor([1]))
    torch.testing.assert_close(value, torch.tensor(2.0))


@pytest.mark.parametrize("y", [0.1, 0.5, 0.8])
def test_the_best_probability_is_the_soft_label(y) -> None:
    logits = torch.tensor([[torch.logit(torch.tensor(y)), 0.0]], requires_grad=True)
    value = Quadratic()(logits, torch.tensor([[y, 1 - y]]))
    value.backward()
    torch.testing.assert_close(value, torch.tensor(0.0))
    torch.testing.assert_close(logits.grad, torch.zeros(1, 2))


def test_certainty_that_is_right_costs_nothing_and_never_less() -> None:
    logits = torch.linspace(8, 30, 100).unsqueeze(1) * torch.tensor([[1.0, 0.0, -1.0]])
    costs = Quadratic(reduction="none")(logits, torch.zeros(100, dtype=torch.long))
    assert (costs >= 0).all()
    assert costs.max() < 1e-6
