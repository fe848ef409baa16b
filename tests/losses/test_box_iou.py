"""What BoxIoU alone promises: five kinds, and what each of them sees that iou does not."""

from functools import partial
from math import atan, pi

import pytest
import torch

from piste.losses import BoxIoU, blocks

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
    assert torch.autograd.gradcheck(lambda x: loss(x, target), predicted.requires_grad_(), rtol=1e-6, nondet_tol=1e-12)


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


def test_only_iou_leaves_boxes_that_share_nothing_where_they_are() -> None:
    for kind in KINDS:
        predicted = boxes([0, 0, 1, 2]).requires_grad_()
        BoxIoU(kind=kind)(predicted, boxes([5, 0, 7, 2])).backward()
        assert bool(predicted.grad.any()) == (kind != "iou")
        if kind != "iou":
            assert predicted.grad[0, 2] < 0  # the right side is to move right


def test_the_costliest_boxes_of_eiou_are_two_lines_at_right_angles() -> None:
    """Nothing shared: 1; centres apart by half the diagonal: 1/4; each side is all of the box around both: 1 + 1."""
    assert BoxIoU(kind="eiou")(boxes([0, 0, 4, 0]), boxes([4, 0, 4, 4])).item() == pytest.approx(3.25)


def test_there_are_five_kinds() -> None:
    with pytest.raises(ValueError, match="`kind` must be one of 'iou', 'giou', 'diou', 'ciou', 'eiou'; got 'siou'"):
        BoxIoU(kind="siou")


def degenerate() -> tuple[torch.Tensor, torch.Tensor]:
    """Points, lines, boxes and sides the wrong way round, each with each, touching, crossing and within each other."""
    shapes = boxes([2, 3, 2, 3], [0, 3, 4, 3], [2, 0, 2, 5], [1, 2, 4, 4], [4, 2, 1, 4], [4, 4, 1, 2], [3, 3, 5, 6])
    return shapes.repeat_interleave(len(shapes), 0), shapes.repeat(len(shapes), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draw", [pairs, degenerate])
def test_slopes_by_formula_are_those_of_autograd(kind, draw) -> None:
    predicted, target = draw()
    loss = BoxIoU(kind=kind, reduction="none")
    expected = torch.func.grad(lambda x: loss(x, target).sum())(predicted)  # which goes by autograd
    leaf = predicted.clone().requires_grad_()
    cost = loss(leaf, target)
    torch.testing.assert_close(cost, loss(predicted, target))
    torch.testing.assert_close(torch.autograd.grad(cost.sum(), leaf)[0], expected)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(9,), (2, 9), (3, 1, 3)])
def test_boxes_are_priced_one_by_one_however_many_fit_a_block(monkeypatch, reduction, shape) -> None:
    predicted, target = (each.repeat(2, 1)[: torch.Size(shape).numel()].view(*shape, 4) for each in pairs())
    weight, loss = torch.rand(shape[0], *[1] * (len(shape) - 1)).double(), BoxIoU(reduction=reduction)
    found = []
    for numbers in (4, 8, 4 * 9, 2**16):
        monkeypatch.setattr(blocks, "_CACHED", numbers)
        for given in (predicted, predicted.mT.contiguous().mT):
            leaf = given.clone().requires_grad_()
            cost = loss(leaf, target, sample_weight=weight)
            found.append((cost.detach(), *torch.autograd.grad(cost.sum(), leaf)))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_asks_for_a_gradient_gets_one(kind) -> None:
    predicted, target = (each.clone().requires_grad_() for each in pairs())
    own, other = torch.autograd.grad(BoxIoU(kind=kind)(predicted, target), (predicted, target))
    swapped = torch.autograd.grad(BoxIoU(kind=kind)(target, predicted), (target, predicted))
    torch.testing.assert_close((own, other), swapped[::-1])
    assert other.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_in_its_place_costs_nothing_and_stays_exactly(kind) -> None:
    corner, size = torch.rand(2, 301, 2, generator=torch.Generator().manual_seed(3))
    predicted = torch.cat((corner, corner + size), 1).requires_grad_()
    cost = BoxIoU(kind=kind, reduction="none")(predicted, predicted.detach())
    cost.sum().backward()
    assert not cost.any()
    assert not predicted.grad.any()
