"""What the gradient penalty alone promises: one mix a sample, slopes over images, a gradient of gradients."""

import pytest
import torch
from torch import nn

from piste.losses import GradientPenalty


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_linear_critic_pays_for_its_weights_length_wherever_the_images_are() -> None:
    """The slope of w x is w everywhere: the penalty is (|w| - 1)^2, and its slope 2 (|w| - 1) w / |w|."""
    w = images(3, 4, 5, seed=2).requires_grad_()
    penalty = GradientPenalty(weight=1.0)(
        lambda x: (w * x).sum((1, 2, 3)), images(6, 3, 4, 5), images(6, 3, 4, 5, seed=1)
    )
    length = w.detach().norm()
    torch.testing.assert_close(penalty, (length - 1) ** 2)
    penalty.backward()
    torch.testing.assert_close(w.grad, 2 * (length - 1) * w.detach() / length)


def test_the_critic_s_weights_get_the_gradient_of_a_gradient() -> None:
    """As finite differences of the penalty see it, through two layers."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Tanh(), nn.Conv2d(3, 1, 2)).double()
    real, fake, alpha = images(4, 2, 4, 4), images(4, 2, 4, 4, seed=1), torch.linspace(0.1, 0.9, 4).double()
    penalty = GradientPenalty()
    penalty(critic, real, fake, alpha=alpha).backward()
    for weight in (critic[0].weight, critic[2].weight):
        with torch.no_grad():
            values = []
            for step in (1e-5, -2e-5, 1e-5):
                weight[0, 1, 1, 0] += step
                values.append(penalty(critic, real, fake, alpha=alpha))
        torch.testing.assert_close(weight.grad[0, 1, 1, 0], (values[0] - values[1]) / 2e-5, rtol=1e-6, atol=1e-9)


def squares(x: torch.Tensor) -> torch.Tensor:
    """A critic whose slope is twice the image."""
    return x.square().sum((1, 2))


def test_a_mix_has_alpha_of_the_real_image_at_every_pixel() -> None:
    """Of ones and zeros, 12 numbers alpha: the slope is 2 alpha sqrt(12)."""
    alpha = torch.tensor([0.0, 0.25, 1.0])
    penalty = GradientPenalty(weight=1.0)(squares, torch.ones(3, 4, 3), torch.zeros(3, 4, 3), alpha=alpha)
    torch.testing.assert_close(penalty, (2 * alpha * 12**0.5 - 1).square().mean())


def test_alpha_is_one_number_a_sample_drawn_evenly_by_torch() -> None:
    real, fake = images(3, 2, 2), images(3, 2, 2, seed=1)
    torch.manual_seed(4)
    drawn = GradientPenalty()(squares, real, fake)
    torch.manual_seed(4)
    assert drawn == GradientPenalty()(squares, real, fake, alpha=torch.rand(3, dtype=torch.float64))


def test_a_flat_critic_pays_center_squared_and_nothing_becomes_nan() -> None:
    bias = torch.zeros(3, 4, 4, requires_grad=True)
    penalty = GradientPenalty(weight=2.0, center=1.5)(lambda x: (bias * x).sum((1, 2, 3)), *torch.zeros(2, 2, 3, 4, 4))
    penalty.backward()
    assert penalty == 4.5
    assert not bias.grad.any()


def test_it_works_under_no_grad_and_then_has_no_gradient() -> None:
    critic = nn.Linear(4, 1)
    real, fake = images(3, 4).float(), images(3, 4, seed=1).float()
    with torch.no_grad():
        value = GradientPenalty()(critic, real, fake)
    assert not value.requires_grad
    torch.testing.assert_close(value, 10 * (critic.weight.norm() - 1).square().detach())
    assert critic.weight.grad is None


def test_scores_of_patches_are_summed() -> None:
    """Four scores of slope 1/2 at the same number make a slope of 2."""
    penalty = GradientPenalty(weight=1.0)(lambda x: x[:, :1].expand(-1, 4) / 2, images(3, 7), images(3, 7, seed=1))
    torch.testing.assert_close(penalty, torch.tensor(1.0).double())


def test_batch_normalisation_in_train_mode_is_refused_by_torch_and_works_in_eval_mode() -> None:
    critic = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).double()
    with pytest.raises(RuntimeError, match="mutate a captured Tensor"):
        GradientPenalty()(critic, images(2, 3, 5, 5), images(2, 3, 5, 5))
    assert GradientPenalty()(critic.eval(), images(2, 3, 5, 5), images(2, 3, 5, 5)).isfinite()


@pytest.mark.parametrize("fake", [torch.zeros(1, 3, 4, 4), torch.zeros(2, 3, 4, 5), torch.zeros(2, 3, 4, 4).half()])
def test_images_that_are_no_pairs_are_refused(fake) -> None:
    with pytest.raises(ValueError, match=r"`real` and `fake` must be images of one shape and dtype.*\[2, 3, 4, 4\]"):
        GradientPenalty()(lambda x: x, torch.zeros(2, 3, 4, 4), fake)
