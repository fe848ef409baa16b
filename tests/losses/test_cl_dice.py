"""What centre-line Dice alone promises: lines must hold together, whatever their width."""

import pytest
import torch

from piste.losses import ClDice, Dice
from piste.losses.boundaries.cl_dice import skeleton


def sure(labels: torch.Tensor) -> torch.Tensor:
    """Logits that say so."""
    return 100.0 * labels - 50.0


def road(thickness: int) -> torch.Tensor:
    labels = torch.zeros(1, 1, 15, 41)
    first = 7 - thickness // 2
    labels[..., first : first + thickness, 3:38] = 1
    return labels


@pytest.mark.parametrize("thickness", [1, 3, 5, 7])
def test_the_skeleton_of_a_bar_is_its_middle_line(thickness) -> None:
    line = skeleton(road(thickness), torch.ones(1, 1, 15, 41, dtype=torch.bool), 5)
    rows = line[0, 0, :, 10:31].sum(1)
    assert rows.tolist() == [0] * 7 + [21] + [0] * 7


def test_few_iterations_leave_wide_things_without_a_skeleton() -> None:
    line = skeleton(road(7), torch.ones(1, 1, 15, 41, dtype=torch.bool), 1)
    assert not line[0, 0, :, 10:31].any()


def test_a_gap_costs_more_than_the_same_pixels_at_the_edge() -> None:
    """Dice cannot tell the two apart."""
    truth = road(3)
    gap, edge = truth.clone(), truth.clone()
    gap[..., 6:9, 20] = 0
    edge[..., 6, 20:23] = 0
    dice, line = Dice(activation="sigmoid"), ClDice(activation="sigmoid", smooth=0.01)
    torch.testing.assert_close(dice(sure(gap), truth), dice(sure(edge), truth))
    assert line(sure(gap), truth) > 3 * line(sure(edge), truth)


def test_a_line_of_another_width_costs_little() -> None:
    loss = ClDice(activation="sigmoid", iterations=5)
    assert loss(sure(road(5)), road(1)).item() < 0.1
    assert loss(sure(road(1)), road(5)).item() < 0.1
    assert loss(sure(road(1).roll(5, 2)), road(1)).item() > 0.9


def test_smooth_is_in_pixels_of_the_line() -> None:
    """All 35 are predicted, and none is true: T = s / (35 + s), S = 1."""
    for smooth in (0.5, 2.0):
        value = ClDice(activation="sigmoid", smooth=smooth)(sure(road(1)), 0 * road(1))
        topology = smooth / (35 + smooth)
        assert value.item() == pytest.approx(1 - 2 * topology / (topology + 1), rel=1e-5)


def test_a_class_that_is_nowhere_and_not_predicted_costs_nothing() -> None:
    assert ClDice(activation="sigmoid")(sure(0 * road(1)), 0 * road(1)).item() == pytest.approx(0, abs=1e-6)


def test_a_line_through_a_volume() -> None:
    line = torch.zeros(1, 1, 5, 7, 11)
    line[..., 2, 3, :] = 1
    thick = torch.zeros(1, 1, 5, 7, 11)
    thick[..., 1:4, 2:5, :] = 1
    loss = ClDice(activation="sigmoid")
    assert loss(sure(line), line).item() == pytest.approx(0, abs=1e-6)
    assert loss(sure(thick), line).item() < 0.1
    assert loss(sure(line.roll(2, 3)), line).item() > 0.9


def test_masked_pixels_are_as_outside_the_image() -> None:
    dice = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 3, 9, 8, generator=dice), torch.randint(3, (2, 9, 8), generator=dice)
    mask = torch.zeros(2, 9, 8, dtype=torch.bool)
    mask[:, :5] = True
    torch.testing.assert_close(ClDice()(logits, target, mask=mask), ClDice()(logits[:, :, :5], target[:, :5]))


@pytest.mark.parametrize(("keyword", "value"), [("iterations", -1), ("iterations", 1.5), ("smooth", 0.0)])
def test_what_cannot_be_is_refused(keyword, value) -> None:
    with pytest.raises(ValueError, match=f"`{keyword}` is a number of .*got {value}"):
        ClDice(**{keyword: value})
