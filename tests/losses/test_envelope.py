"""The lower envelope of parabolas: the least over all of a line, for lines of any length and heights of any kind."""

from math import inf

import pytest
import torch

from piste.losses import signed_distance
from piste.losses.boundaries.envelope import envelope


def least_of_all(heights: torch.Tensor, step: float) -> torch.Tensor:
    """Every j for every i."""
    place = step * torch.arange(len(heights), dtype=heights.dtype)
    return (heights.unsqueeze(0) + (place.view(-1, 1, 1) - place.view(-1, 1)).square()).amin(1)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 31, 32, 33, 127, 200])
@pytest.mark.parametrize("step", [1.0, 0.7])
def test_is_the_least_of_all_sums(size, step) -> None:
    dice = torch.Generator().manual_seed(size)
    for density in (0.02, 0.3, 1.0):
        heights = torch.randint(2 * size, (size, 11), generator=dice).double().square()
        heights[torch.rand(size, 11, generator=dice) > density] = inf
        torch.testing.assert_close(envelope(heights, step), least_of_all(heights, step), rtol=1e-12, atol=1e-12)


def test_of_level_ground_and_of_a_single_well() -> None:
    level = torch.full((100, 1), 9.0)
    assert torch.equal(envelope(level, 1.0), level)
    for well in (0, 15, 16, 99):
        heights = torch.full((100, 1), inf)
        heights[well] = 4.0
        assert torch.equal(envelope(heights, 1.0)[:, 0], 4 + (torch.arange(100.0) - well).square())


def test_near_prices_in_single_precision_cost_no_more_than_rounding() -> None:
    """Whole lines of parabolas that are as good as equal, so that rounding decides between them."""
    place = torch.arange(300, dtype=torch.float64).unsqueeze(1)
    heights = 1e6 - (0.1 * place).square() * torch.tensor([1.0, 1 - 1e-7, 1 + 1e-7, 0.5])
    got = envelope(heights.float(), 0.1)
    torch.testing.assert_close(got.double(), least_of_all(heights, 0.1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("shape", [(3, 2, 131, 257), (2, 1, 40, 21, 67), (70000, 1, 3, 2)])
def test_maps_that_are_made_in_parts_are_those_of_each_image(shape) -> None:
    """Beyond what fits a cache."""
    inside = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.1
    maps = signed_distance(inside)
    for i in (0, shape[0] // 2, shape[0] - 1):
        assert torch.equal(maps[i], signed_distance(inside[i : i + 1])[0])


def test_the_order_of_axes_in_memory_does_not_matter() -> None:
    inside = torch.rand(2, 3, 41, 53, generator=torch.Generator().manual_seed(0)) < 0.1
    maps = signed_distance(inside)
    assert torch.equal(signed_distance(inside.mT.contiguous().mT), maps)
    assert torch.equal(signed_distance(inside.contiguous(memory_format=torch.channels_last)), maps)
    torch.testing.assert_close(signed_distance(inside.mT), maps.mT)


def test_a_mask_that_hides_nothing_changes_nothing() -> None:
    """With a mask each side has a map of its own."""
    inside = torch.rand(2, 2, 37, 43, generator=torch.Generator().manual_seed(0)) < 0.1
    inside[0, 0] = True
    torch.testing.assert_close(signed_distance(inside, mask=torch.ones_like(inside)), signed_distance(inside))


@pytest.mark.parametrize("size", [2, 5, 8, 9, 100])
def test_one_pixel_is_found_from_the_other_end_of_a_line(size) -> None:
    inside = torch.zeros(1, 1, size, dtype=torch.bool)
    inside[..., 0] = True
    assert signed_distance(inside)[0, 0].tolist() == [-1.0, *range(1, size)]


@pytest.mark.parametrize("shape", [(0, 2, 5, 7), (2, 1, 0, 3), (2, 1, 3, 0)])
def test_no_pixels_have_no_distances(shape) -> None:
    assert signed_distance(torch.zeros(shape, dtype=torch.bool)).shape == shape
