"""The extreme of neighbours is that of pooling, with one slope for equals to share."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses.boundaries.neighbours import extreme, lesser


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("greatest", [True, False])
def test_the_extreme_of_three_and_its_slope_are_those_of_pooling(axis, greatest) -> None:
    dice = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 7, 9, generator=dice, dtype=torch.float64).requires_grad_()
    slope = torch.rand(2, 3, 7, 9, generator=dice, dtype=torch.float64)
    window = (3, 1) if axis == 2 else (1, 3)
    sign = 1 if greatest else -1
    pooled = sign * F.max_pool2d(sign * image, window, 1, (window[0] // 2, window[1] // 2))
    found = extreme(image, axis, greatest=greatest)
    assert torch.equal(found, pooled)
    torch.testing.assert_close(
        torch.autograd.grad(found, image, slope), torch.autograd.grad(pooled, image, slope), rtol=1e-12, atol=1e-12
    )
    assert torch.autograd.gradgradcheck(lambda x: extreme(x, axis, greatest=greatest).square(), image)


def test_equal_pixels_share_one_slope() -> None:
    image = torch.zeros(1, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    for greatest in (True, False):
        (slope,) = torch.autograd.grad(extreme(image, 2, greatest=greatest).sum(), image)
        assert slope.sum().item() == pytest.approx(25)
        assert bool((slope >= 0).all())


def test_the_lesser_of_two_has_the_slope_of_minimum() -> None:
    dice = torch.Generator().manual_seed(0)
    a, b = (torch.randint(3, (4, 5), generator=dice).double().requires_grad_() for _ in range(2))
    slope = torch.rand(4, 5, generator=dice, dtype=torch.float64)
    assert bool((a == b).any())
    for got, expected in zip(
        torch.autograd.grad(lesser(a, b), (a, b), slope), torch.autograd.grad(a.minimum(b), (a, b), slope), strict=True
    ):
        torch.testing.assert_close(got, expected)
