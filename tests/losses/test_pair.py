"""What pairs of boxes promise: lengths and areas, wherever the boxes are and whatever they look like."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import BoxIoU

KINDS = ("iou", "giou", "diou", "ciou", "eiou")


def boxes(*rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes that share something, and that share nothing."""
    dice = torch.Generator().manual_seed(3)
    corner, other = (4 * torch.rand(9, 2, generator=dice, dtype=torch.float64) for _ in range(2))
    side, stretch = (1 + 4 * torch.rand(9, 2, generator=dice, dtype=torch.float64) for _ in range(2))
    return torch.cat((corner, corner + side), 1), torch.cat((other, other + stretch), 1)


@given(st.sampled_from(KINDS), st.floats(0.01, 100), st.floats(-50, 50))
def test_neither_the_unit_nor_the_place_matters(kind, scale, place) -> None:
    predicted, target = pairs()
    loss = BoxIoU(kind=kind, reduction="none")
    moved = loss(scale * predicted + place, scale * target + place)
    torch.testing.assert_close(moved, loss(predicted, target), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_and_its_target_may_change_places(kind) -> None:
    predicted, target = pairs()
    loss = BoxIoU(kind=kind, reduction="none")
    torch.testing.assert_close(loss(predicted, target), loss(target, predicted))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("box", [[3.0, 4.0, 3.0, 4.0], [1.0, 4.0, 6.0, 4.0], [1.0, 4.0, 1.0, 9.0]])
def test_what_has_no_area_costs_nothing_in_its_place_and_one_or_more_in_another(kind, box) -> None:
    predicted = boxes(box).requires_grad_()
    cost = BoxIoU(kind=kind)(predicted, boxes(box))
    cost.backward()
    assert cost.item() == 0
    assert not predicted.grad.any()
    for dx, dy in ((1, 0), (0, 1), (2, 3)):
        predicted.grad = None
        cost = BoxIoU(kind=kind)(predicted, boxes(box) + boxes([dx, dy, dx, dy]))
        cost.backward()
        assert cost.item() >= 1
        assert predicted.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_has_a_second_derivative(kind) -> None:
    predicted = boxes([3, 4, 3, 4]).requires_grad_()
    cost = BoxIoU(kind=kind)(predicted, boxes([2, 3, 6, 5]))
    (slope,) = torch.autograd.grad(cost, predicted, create_graph=True)
    (bend,) = torch.autograd.grad(slope.square().sum(), predicted)
    assert bend.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_side_the_wrong_way_round_counts_as_none_in_its_middle(kind) -> None:
    """Corners at 9 and 3 are a line at 6, and both feel what pulls the line."""
    target, loss = boxes([0, 0, 10, 10]), BoxIoU(kind=kind)
    wrong, line = boxes([9, 2, 3, 8]).requires_grad_(), boxes([6, 2, 6, 8])
    cost = loss(wrong, target)
    cost.backward()
    torch.testing.assert_close(cost, loss(line, target))
    torch.testing.assert_close(loss(target, wrong), loss(target, line))
    torch.testing.assert_close(loss(target, wrong[:, [1, 0, 3, 2]]), cost)  # x and y, and both boxes, change places
    assert cost.item() >= 1
    assert wrong.grad[0, 0] == wrong.grad[0, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_small_box_far_from_zero_is_measured_exactly(dtype) -> None:
    """9984 is a number of every precision: a side of 8, moved by 1/2, shares 7.5 of 8.5."""
    predicted = torch.tensor([[9984.0, 9984.0, 9992.0, 9992.0]], dtype=dtype)
    shift = torch.tensor([0.5, 0.0, 0.5, 0.0], dtype=dtype)
    assert BoxIoU(kind="iou")(predicted, predicted + shift).item() == pytest.approx(1 - 7.5 / 8.5, rel=1e-6)
