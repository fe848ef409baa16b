"""What total variation alone promises: which differences count, and for how much."""

import pytest
import torch

from piste.losses import TotalVariation


def test_a_straight_edge_costs_its_height_times_its_length_in_either_form() -> None:
    image = torch.zeros(1, 1, 8, 6)
    image[..., 3:] = 0.5
    for isotropic in (False, True):
        assert TotalVariation(isotropic=isotropic)(image).item() == pytest.approx(8 * 0.5 / 48)


def test_a_pixel_with_both_steps_pays_root_2_where_its_gradient_s_length_counts_and_2_where_each_step_does() -> None:
    """A slanting edge through 40 pixels: 38 of them step down and to the right, the two at the border once."""
    image = torch.ones(40, 40).triu().flip(1).view(1, 1, 40, 40)
    assert TotalVariation()(image).item() * 1600 == pytest.approx(38 * 2 + 2)
    assert TotalVariation(isotropic=True)(image).item() * 1600 == pytest.approx(38 * 2**0.5 + 2)


def test_exponent_1_does_not_care_how_steep_a_rise_is_and_exponent_2_does() -> None:
    sudden, gradual = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[0.0, 1 / 3, 2 / 3, 1.0]])
    for exponent, ratio in ((1.0, 1.0), (2.0, 3.0)):
        loss = TotalVariation(exponent=exponent)
        assert (loss(sudden[None, None]) / loss(gradual[None, None])).item() == pytest.approx(ratio)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0])
def test_a_flat_image_costs_nothing_and_has_finite_slopes_of_both_orders(exponent) -> None:
    flat = torch.full((1, 3, 4, 5), 0.7, requires_grad=True)
    for isotropic in (False, True):
        value = TotalVariation(exponent=exponent, isotropic=isotropic)(flat)
        (slope,) = torch.autograd.grad(value, flat, create_graph=True)
        assert value == 0
        assert not slope.any()
    (curvature,) = torch.autograd.grad(slope.sum(), flat)
    assert curvature.isfinite().all()


def test_neither_the_size_nor_the_channels_change_the_scale() -> None:
    image = torch.arange(8.0).repeat(8, 1).view(1, 1, 8, 8)
    finer = torch.arange(80.0).repeat(80, 1).view(1, 1, 80, 80)
    assert TotalVariation()(image).item() == pytest.approx(7 / 8)
    assert TotalVariation()(finer).item() == pytest.approx(79 / 80)
    assert TotalVariation()(image.repeat(1, 3, 1, 1)).item() == pytest.approx(7 / 8)


@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1, 4), (1, 1, 4, 1)])
def test_an_image_of_one_row_or_column_has_differences_in_one_direction(isotropic, shape) -> None:
    image = torch.tensor([0.0, 1.0, 1.0, 3.0]).view(shape)
    assert TotalVariation(isotropic=isotropic)(image).item() == pytest.approx(3 / 4)


def test_a_target_is_taken_and_not_looked_at() -> None:
    image = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    assert TotalVariation()(image, torch.full_like(image, torch.nan)) == TotalVariation()(image)


@pytest.mark.parametrize("size", [(512, 3), (2, 513), (514, 2), (515, 517)], ids=str)
@pytest.mark.parametrize(
    ("exponent", "isotropic"), [(1.0, False), (2.0, False), (1.5, False), (1.0, True), (1.5, True)]
)
def test_images_larger_than_a_tile_cost_as_whole_ones(size, exponent, isotropic) -> None:
    image = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ours, theirs = (image.transpose(2, 3).clone().mT.requires_grad_() for _ in range(2))
    down, right = torch.zeros_like(image), torch.zeros_like(image)
    down[:, :, :-1], right[..., :-1] = theirs[:, :, 1:] - theirs[:, :, :-1], theirs[..., 1:] - theirs[..., :-1]
    if isotropic:
        expected = ((down**2 + right**2 + 1e-300) ** (exponent / 2)).mean((1, 2, 3))
    else:
        expected = (down.abs() ** exponent + right.abs() ** exponent).mean((1, 2, 3))
    got = TotalVariation(exponent=exponent, isotropic=isotropic, reduction="none")(ours)
    torch.testing.assert_close(got, expected)
    weight = torch.tensor([2.0, 5.0])
    slopes = (torch.autograd.grad((each * weight).sum(), at)[0] for each, at in ((got, ours), (expected, theirs)))
    torch.testing.assert_close(*slopes)
