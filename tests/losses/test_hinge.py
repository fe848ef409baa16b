"""What the hinge loss alone promises: margins in raw scores."""

import torch

from piste.losses import Hinge


def test_the_critic_learns_only_from_what_lies_within_the_margins() -> None:
    real = torch.tensor([1.5, 0.5, -3.0], requires_grad=True)
    fake = torch.tensor([-1.5, -0.5, 3.0], requires_grad=True)
    Hinge().discriminator(real, fake).backward()
    torch.testing.assert_close(real.grad, torch.tensor([0.0, -1 / 3, -1 / 3]))
    torch.testing.assert_close(fake.grad, torch.tensor([0.0, 1 / 3, 1 / 3]))


def test_the_generator_has_no_margin() -> None:
    fake = torch.tensor([-50.0, 50.0], requires_grad=True)
    Hinge().generator(fake).backward()
    assert fake.grad.tolist() == [-0.5, -0.5]


def test_the_margin_can_be_reached() -> None:
    """With a tanh on the scores it could not: 2 (1 - tanh(2)) = 0.07 would remain."""
    assert Hinge().discriminator(torch.tensor([2.0]), torch.tensor([-2.0])) == 0
