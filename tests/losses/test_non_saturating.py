"""What the non-saturating loss alone promises."""

import pytest
import torch

from piste.losses import Minimax, NonSaturating


def test_the_generator_learns_most_where_it_is_found_out() -> None:
    """The slope of -log sigmoid(x) is -sigmoid(-x): -1 far below 0, where that of the minimax loss is 0."""
    fake = torch.tensor([-100.0], requires_grad=True)
    NonSaturating().generator(fake).backward()
    assert fake.grad.item() == -1.0


def test_the_critic_s_loss_is_that_of_minimax() -> None:
    real, fake = torch.linspace(-4, 5, 6), torch.linspace(-7, 3, 5)
    torch.testing.assert_close(NonSaturating().discriminator(real, fake), Minimax().discriminator(real, fake))


def test_a_sure_failure_costs_its_score_exactly() -> None:
    assert NonSaturating().generator(torch.tensor([-1e4])).item() == pytest.approx(1e4)
