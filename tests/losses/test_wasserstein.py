"""What the Wasserstein loss alone promises."""

import torch

from piste.losses import Wasserstein


def test_what_all_scores_have_in_common_is_free_for_the_critic() -> None:
    real, fake = torch.tensor([1.0, 4.0]), torch.tensor([-2.0, 0.5, 3.0])
    torch.testing.assert_close(Wasserstein().discriminator(real + 7, fake + 7), Wasserstein().discriminator(real, fake))


def test_minus_the_critic_s_loss_is_the_distance_of_two_points() -> None:
    """Of all critics of slope 1, f(x) = x separates 5 from 2 best, by the distance itself."""
    assert Wasserstein().discriminator(torch.tensor([5.0]), torch.tensor([2.0])) == -3
