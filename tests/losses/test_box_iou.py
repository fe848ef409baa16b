"""What BoxIoU alone promises: five kinds, and what each of them sees that iou does not."""

from functools import partial
from math import atan, pi

import pytest
import torch

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
