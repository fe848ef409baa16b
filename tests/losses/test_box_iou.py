"""What BoxIoU alone promises: five kinds, whatever the boxes look like and wherever they are."""

from functools import partial
from math import atan, pi

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


@pytest.mark.parametrize("kind", ["iou", "giou", "diou", "eiou"])
def test_gradient_is_exact(kind) -> None:
    predicted, target = pairs()
    loss = BoxIoU(kind=kind, reduction="none")
    assert torch.autograd.gradcheck(lambda x: loss(x, target), predicted.requires_grad_(), rtol=1e-6)


def test_in_the_gradient_of_ciou_alpha_is_a_constant() -> None:
    predicted, target = pairs()

    def angle(box: torch.Tensor) -> float:
        left, top, right, bottom = box.tolist()
        return atan((right - left) / (bottom - top))

    for one, other in zip(predicted, target, strict=True):
        one = one.clone().requires_grad_()
        BoxIoU(kind="ciou")(one[None], other[None]).backward()
        distance = partial(BoxIoU(kind="diou"), target=other[None])
        iou = 1 - BoxIoU(kind="iou")(one[None], other[None]).item()
        v = 4 / pi**2 * (angle(other) - angle(one)) ** 2
        alpha = v / (1 - iou + v)
        for i in range(4):
            step = 1e-6 * torch.eye(4, dtype=torch.float64)[i]
            low, high = (
                distance((one.detach() + move)[None]).item()
                + alpha * 4 / pi**2 * (angle(other) - angle(one.detach() + move)) ** 2
                for move in (-step, step)
            )
            assert one.grad[i].item() == pytest.approx((high - low) / 2e-6, rel=1e-5, abs=1e-7)


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


def test_only_iou_leaves_boxes_that_share_nothing_where_they_are() -> None:
    for kind in KINDS:
        predicted = boxes([0, 0, 1, 2]).requires_grad_()
        BoxIoU(kind=kind)(predicted, boxes([5, 0, 7, 2])).backward()
        assert bool(predicted.grad.any()) == (kind != "iou")
        if kind != "iou":
            assert predicted.grad[0, 2] < 0  # the right side is to move right


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
    assert cost.item() >= 1
    assert wrong.grad[0, 0] == wrong.grad[0, 2]


def test_the_costliest_boxes_of_eiou_are_two_lines_at_right_angles() -> None:
    """Nothing shared: 1; centres apart by half the diagonal: 1/4; each side is all of the box around both: 1 + 1."""
    assert BoxIoU(kind="eiou")(boxes([0, 0, 4, 0]), boxes([4, 0, 4, 4])).item() == pytest.approx(3.25)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_small_box_far_from_zero_is_measured_exactly(dtype) -> None:
    """9984 is a number of every precision: a side of 8, moved by 1/2, shares 7.5 of 8.5."""
    predicted = torch.tensor([[9984.0, 9984.0, 9992.0, 9992.0]], dtype=dtype)
    shift = torch.tensor([0.5, 0.0, 0.5, 0.0], dtype=dtype)
    assert BoxIoU(kind="iou")(predicted, predicted + shift).item() == pytest.approx(1 - 7.5 / 8.5, rel=1e-6)


def test_areas_beyond_float16_are_computed_in_float32() -> None:
    """Sides of 1024 have areas of 2^20; moved by 512, a quarter of the one lies in the other."""
    predicted = torch.tensor([[0.0, 0.0, 1024.0, 1024.0]], dtype=torch.float16)
    assert BoxIoU(kind="iou")(predicted, predicted + 512).item() == pytest.approx(1 - 1 / 7, rel=1e-6)


def test_integer_targets_are_boxes_too() -> None:
    assert BoxIoU(kind="iou")(boxes([0, 0, 2, 2]), torch.tensor([[1, 0, 3, 2]])).item() == pytest.approx(2 / 3)


def test_only_pairs_are_taken() -> None:
    with pytest.raises(ValueError, match=r"pairs of boxes, both \[N, 4\] .* got \[2, 4\] and \[1, 4\].*expand_as"):
        BoxIoU()(torch.zeros(2, 4), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"`predicted` must be floating; got torch\.int64"):
        BoxIoU()(torch.zeros(2, 4).long(), torch.zeros(2, 4))


def test_no_boxes_cost_nothing() -> None:
    predicted = torch.zeros(0, 4, requires_grad=True)
    cost = BoxIoU()(predicted, torch.zeros(0, 4))
    cost.backward()
    assert cost.item() == 0


def test_there_are_five_kinds() -> None:
    with pytest.raises(ValueError, match="`kind` must be one of 'iou', 'giou', 'diou', 'ciou', 'eiou'; got 'siou'"):
        BoxIoU(kind="siou")
