"""What the minimax loss alone promises."""

import torch

from piste.losses import Minimax


def test_the_generator_gains_what_the_critic_loses_on_its_images() -> None:
    fake = torch.linspace(-9, 9, 7, dtype=torch.float64, requires_grad=True)
    (critic,) = torch.autograd.grad(Minimax().discriminator(torch.zeros(1), fake), fake)
    (generator,) = torch.autograd.grad(Minimax().generator(fake), fake)
    torch.testing.assert_close(critic, -generator)


def test_the_generator_learns_next_to_nothing_where_it_is_found_out() -> None:
    """The slope of log(1 - sigmoid(x)) is -sigmoid(x)."""
    fake = torch.tensor([-10.0], dtype=torch.float64, requires_grad=True)
    Minimax().generator(fake).backward()
    torch.testing.assert_close(fake.grad, -1 / (1 + torch.tensor([10.0], dtype=torch.float64).exp()))


def test_a_sure_mistake_costs_its_score_exactly() -> None:
    """Where probabilities would round to 0 and 1, -log(1 - sigmoid(x)) is x."""
    assert Minimax().discriminator(torch.tensor([-1e4]), torch.tensor([1e4])) == 2e4
    assert Minimax().generator(torch.tensor([1e4])) == -1e4
