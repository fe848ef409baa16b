"""What multi-scale SSIM alone promises: scales, their exponents, and an answer where powers have none."""

import pytest
import torch

from piste.losses import SSIM, MultiScaleSSIM

SMALL = {"window": 3, "exponents": (0.4, 0.6)}


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_one_scale_of_exponent_1_is_ssim() -> None:
    y = images(2, 3, 16, 17)
    x = 0.7 * y + 0.3 * images(2, 3, 16, 17, seed=1)
    torch.testing.assert_close(MultiScaleSSIM(exponents=(1.0,))(x, y), SSIM()(x, y))


def test_is_exactly_0_on_equal_images() -> None:
    image = images(1, 3, 161, 163).float()
    assert MultiScaleSSIM()(image, image) == 0


def test_small_differences_keep_their_digits_in_float32() -> None:
    """A cost of 6e-7 is some ten times what float32 can tell from 1."""
    y = images(1, 1, 40, 40)
    x = y + 1e-3 * (images(1, 1, 40, 40, seed=1) - 0.5)
    x, y = x.float(), y.float()
    exact = MultiScaleSSIM(**SMALL)(x.double(), y.double())
    assert 1e-8 < exact < 3e-6
    torch.testing.assert_close(MultiScaleSSIM(**SMALL)(x, y).double(), exact, rtol=1e-3, atol=0)


def test_default_images_are_161_pixels_or_more() -> None:
    MultiScaleSSIM()(torch.zeros(1, 1, 161, 161), torch.zeros(1, 1, 161, 161))
    with pytest.raises(ValueError, match=r"at least 161 x 161, for a window of 11.*5 scales; got \[1, 1, 300, 160\]"):
        MultiScaleSSIM()(torch.zeros(1, 1, 300, 160), torch.zeros(1, 1, 300, 160))


def test_a_negative_costs_1_with_no_slope_beside_images_that_learn() -> None:
    y = images(2, 1, 9, 9)
    x = torch.stack((1 - y[0], 0.8 * y[1])).requires_grad_()
    value = MultiScaleSSIM(**SMALL, reduction="none")(x, y)
    value.sum().backward()
    assert value[0] == 1
    assert 0 < value[1] < 1
    assert not x.grad[0].any()
    assert x.grad[1].any()


def test_a_checkerboard_is_noise_from_near_and_nothing_from_afar() -> None:
    """Averaged over 2 x 2 pixels it is gone: only the exponent of the finest scale prices it."""
    flat = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    board = flat + 0.1 * (1 - 2 * (torch.arange(8)[:, None] + torch.arange(8)).remainder(2))
    near, both = (MultiScaleSSIM(window=3, exponents=each)(board, flat) for each in ((1.0, 1e-9), (1.0, 5.0)))
    torch.testing.assert_close(near, both, rtol=1e-6, atol=0)
    assert near > 0.5


def test_the_last_row_of_an_odd_image_counts_at_coarse_scales() -> None:
    """As in the authors' code, which repeats it; a floor would drop it."""
    y = images(1, 1, 9, 8)
    x = y.clone()
    x[..., -1, :] = 1 - x[..., -1, :]
    loss = MultiScaleSSIM(window=2, exponents=(1e-9, 1e-9, 1.0))
    assert loss(x, y) > 1e-3


@pytest.mark.parametrize("exponents", [(), (0.5, 0.0), "12", [0.5, float("nan")]])
def test_exponents_are_numbers_above_0(exponents) -> None:
    with pytest.raises(ValueError, match="`exponents` must be a list of numbers > 0, one per scale"):
        MultiScaleSSIM(exponents=exponents)
