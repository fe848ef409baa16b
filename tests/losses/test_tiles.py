"""What tiles promise: the cost and slope of whole planes, for sizes around a tile's, and whoever asks."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses.features.tiles import over_tiles

WINDOW, SIDE = 4, 32


def cost(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Of each window of 4 x 4 pixels the product of its corners, times y in one of them."""
    corners = x[:, 3:, 3:] * x[:, :-3, :-3] ** 2 * x[:, 3:, :-3] * y[:, :-3, 3:]
    return corners.sum((1, 2))


def by_windows(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The same by all windows, [N, C, 4 * 4, L]."""
    a, b = (F.unfold(each, WINDOW).unflatten(1, (each.shape[1], WINDOW**2)) for each in (x, y))
    return (a[:, :, 15] * a[:, :, 0] ** 2 * a[:, :, 12] * b[:, :, 3]).sum(-1)


def refused(*_: torch.Tensor) -> torch.Tensor:
    raise AssertionError("this form is not for this call")


def sums(x: torch.Tensor, y: torch.Tensor, plain=cost, tiled=cost) -> torch.Tensor:
    margin = WINDOW - 1
    begins = x.shape[2] - margin, x.shape[3] - margin
    return over_tiles(plain, tiled, x, y, begins=begins, side=SIDE, margin=margin)


def images(*shape: int) -> list[torch.Tensor]:
    dice = torch.Generator().manual_seed(3)
    return [torch.rand(shape, generator=dice, dtype=torch.float64) for _ in range(2)]


SHAPES = [(2, 3, 4, 5), (1, 2, SIDE + 2, SIDE + 3), (2, 1, SIDE + 4, 3 * SIDE), (2, 3, 5, 131), (2, 31, 67, 139)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_and_slopes_are_those_of_all_windows(shape) -> None:
    x, y = images(*shape)
    weight = torch.arange(1.0, 1 + shape[0] * shape[1]).view(shape[:2])
    leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    got, expected = sums(leaf, y, plain=refused), by_windows(other, y)
    torch.testing.assert_close(got, expected)
    (got * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)


def test_images_may_lie_in_memory_as_they_like() -> None:
    x, y = images(2, 3, 70, 71)
    leaf, other = (x.clone().requires_grad_() for _ in range(2))
    got = sums(leaf.to(memory_format=torch.channels_last).flip(3), y.mT.contiguous().mT, plain=refused)
    expected = by_windows(other.flip(3), y)
    torch.testing.assert_close(got, expected)
    got.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)


def test_no_images_cost_nothing() -> None:
    x, y = images(0, 3, 8, 8)
    assert sums(x.requires_grad_(), y).shape == (0, 3)


def test_nobody_s_slope_is_worked_out_where_none_is_asked_for() -> None:
    x, y = images(1, 1, 8, 8)

    def without_slope(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        assert not x.requires_grad
        return cost(x, y)

    torch.testing.assert_close(sums(x, y, refused, without_slope), by_windows(x, y))
    with torch.no_grad():
        torch.testing.assert_close(sums(x.requires_grad_(), y, refused, without_slope), by_windows(x, y))


def test_a_second_backward_pass_gives_the_same_slope() -> None:
    x, y = images(1, 2, 70, 9)
    value = (sums(x.requires_grad_(), y) * torch.tensor([[2.0, 3.0]])).sum()
    first, again = (torch.autograd.grad(value, x, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(again, first)


def test_a_second_derivative_comes_from_the_plain_form() -> None:
    x, y = images(1, 2, 5, 6)
    assert torch.autograd.gradgradcheck(lambda x: sums(x, y), x.requires_grad_())


def test_a_target_that_learns_gets_its_slope_too() -> None:
    x, y = images(1, 2, 8, 9)
    got, expected = (f(x, y.requires_grad_()) for f in (lambda x, y: sums(x, y, tiled=refused), by_windows))
    slopes = [torch.autograd.grad(each.sum(), y)[0] for each in (got, expected)]
    assert slopes[0].any()
    torch.testing.assert_close(*slopes)


def test_torch_func_differentiates_it() -> None:
    x, y = images(1, 2, 8, 9)
    got = torch.func.grad(lambda x: sums(x, y).sum())(x)
    torch.testing.assert_close(got, torch.func.grad(lambda x: by_windows(x, y).sum())(x))


def test_a_slope_by_hand_stands_for_that_of_autograd() -> None:
    """Of the sum of squares, of windows of one pixel."""
    x, y = images(2, 3, 33, 35)

    def priced(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (x * x * y).sum((1, 2)), 2 * x * y

    got = over_tiles(refused, refused, x.requires_grad_(), y, begins=(33, 35), side=SIDE, margin=0, priced=priced)
    torch.testing.assert_close(got, (x * x * y).sum((2, 3)))
    torch.testing.assert_close(torch.autograd.grad(got.sum(), x)[0], 2 * x * y)
