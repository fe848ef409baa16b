"""What SSIM alone promises: windows inside the image, and what its constants forgive."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import SSIM


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_is_exactly_0_on_equal_images_with_no_slope() -> None:
    image = images(2, 3, 16, 15).float().requires_grad_()
    value = SSIM()(image, image.detach())
    value.backward()
    assert value == 0
    assert image.grad.abs().max() < 1e-7


def test_an_image_as_large_as_the_window_has_a_single_one() -> None:
    """By hand, from means, variances and covariance under a Gaussian of sigma 1.5."""
    x, y = images(11, 11), images(11, 11, seed=1)
    line = torch.exp(-((torch.arange(11) - 5.0) ** 2) / (2 * 1.5**2)).double()
    weight = line[:, None] * line / line.sum() ** 2
    (mx, my) = ((weight * each).sum() for each in (x, y))
    (vx, vy, cov) = (
        (weight * (a - ma) * (b - mb)).sum() for a, ma, b, mb in ((x, mx, x, mx), (y, my, y, my), (x, mx, y, my))
    )
    similarity = (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    torch.testing.assert_close(SSIM()(x[None, None], y[None, None]), 1 - similarity, check_dtype=False)


def test_counts_only_windows_inside_the_image() -> None:
    """A corner pixel lies in one window alone, of the four of a 12 x 12 image."""
    x = images(1, 1, 12, 12)
    y = x.clone()
    y[..., 0, 0] = 1 - y[..., 0, 0]
    first = SSIM()(y[..., :11, :11], x[..., :11, :11])
    torch.testing.assert_close(SSIM()(y, x), first / 4)


def test_an_image_smaller_than_the_window_is_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"no smaller than the window, 11 x 11; got \[1, 3, 64, 10\]"):
        SSIM()(torch.zeros(1, 3, 64, 10), torch.zeros(1, 3, 64, 10))


def test_bytes_with_their_range_score_like_shares() -> None:
    x, y = images(1, 3, 13, 14), images(1, 3, 13, 14, seed=1)
    torch.testing.assert_close(SSIM(data_range=255.0)(255 * x, 255 * y), SSIM()(x, y))


def test_raising_k1_forgives_brightness_and_raising_k2_noise() -> None:
    flat = torch.full((1, 1, 16, 16), 0.2)
    noisy = flat + 0.05 * (images(1, 1, 16, 16).float() - 0.5)
    assert SSIM(k1=0.1)(flat + 0.1, flat) < SSIM()(flat + 0.1, flat)
    assert SSIM(k2=0.1)(noisy, flat) < SSIM()(noisy, flat)


def test_flat_regions_keep_their_digits_in_float32() -> None:
    """Noise of 1e-4 on a flat 0.9: the variance is 1e-9, which E[x^2] - E[x]^2 of the values themselves would lose."""
    flat = torch.full((1, 1, 32, 32), 0.9)
    noisy = flat + 1e-4 * (images(1, 1, 32, 32).float() - 0.5)
    exact = SSIM()(noisy.double(), flat.double())
    torch.testing.assert_close(SSIM()(noisy, flat).double(), exact, rtol=1e-3, atol=0)


def test_stays_in_its_range_where_float32_loses_the_variance() -> None:
    """Of flat images at 1e4, rounding makes variances of some units, above or below 0, beside c2 = 9e-4."""
    levels = torch.linspace(-1e4, 1e4, 300).view(-1, 1, 1, 1).expand(-1, 1, 14, 14)
    value = SSIM(reduction="none")(levels, levels.flip(0) / 3)
    assert ((value >= 0) & (value <= 2 + 1e-6)).all()


def by_convolution(x: torch.Tensor, y: torch.Tensor, window: int, sigma: float) -> torch.Tensor:
    """Equation 13 with a window of two dimensions."""
    line = torch.exp(-((torch.arange(window) - (window - 1) / 2).double() ** 2) / (2 * sigma**2))
    weight = (line[:, None] * line / line.sum() ** 2).expand(x.shape[1], 1, -1, -1)
    mx, my, xx, yy, xy = (F.conv2d(each, weight, groups=x.shape[1]) for each in (x, y, x * x, y * y, x * y))
    light = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
    return 1 - (light * (2 * (xy - mx * my) + 9e-4) / (xx - mx**2 + yy - my**2 + 9e-4)).mean()


@pytest.mark.parametrize("size", [(64, 65), (74, 75), (11, 139), (138, 11), (307, 201)], ids=str)
@pytest.mark.parametrize(("window", "sigma"), [(11, 1.5), (4, 0.9)])
def test_images_larger_than_a_tile_score_as_whole_ones(size, window, sigma) -> None:
    x, y = (images(2, 3, *size, seed=seed) for seed in (3, 4))
    leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    got, expected = SSIM(window=window, sigma=sigma)(leaf, y), by_convolution(other, y, window, sigma)
    torch.testing.assert_close(got, expected)
    got.backward()
    expected.backward()
    torch.testing.assert_close(leaf.grad, other.grad, rtol=1e-6, atol=1e-12)


def test_a_window_larger_than_a_tile_is_as_good_as_a_small_one() -> None:
    x, y = (images(1, 1, 110, 93, seed=seed) for seed in (3, 4))
    torch.testing.assert_close(SSIM(window=81, sigma=12.0)(x, y), by_convolution(x, y, 81, 12.0))
