"""What IoUBalancedLocalization alone promises: boxes count by how well they fit, which has no gradient."""

import pytest
import torch

from piste.losses import BoxL1, IoUBalancedLocalization

PREDICTED = torch.tensor([[0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
TARGET = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 4.0, 3.0], [5.0, 5.0, 6.0, 6.0]], dtype=torch.float64)
IOU = torch.tensor([1 / 2, 3 / 4, 0.0], dtype=torch.float64)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_lambda_0_is_smooth_l1_exactly_for_boxes_that_share_nothing_too(reduction) -> None:
    got = IoUBalancedLocalization(lambda_=0.0, beta=0.5, reduction=reduction)(PREDICTED, TARGET)
    assert torch.equal(got, BoxL1(beta=0.5, reduction=reduction)(PREDICTED, TARGET))


@pytest.mark.parametrize("lambda_", [0.5, 1.5, 3.0])
def test_slope_is_that_of_smooth_l1_times_the_weight(lambda_) -> None:
    """Beyond beta the slope of each number that is off is 1, whatever the IoU would gain by moving it."""
    predicted, target = PREDICTED.clone().requires_grad_(), TARGET.clone().requires_grad_()
    IoUBalancedLocalization(lambda_=lambda_, w_loc=3.0, reduction="sum")(predicted, target).backward()
    weight = 3 * IOU**lambda_
    off = (PREDICTED - TARGET).sign()
    torch.testing.assert_close(predicted.grad, weight[:, None] * off)
    torch.testing.assert_close(target.grad, -weight[:, None] * off)


def test_a_box_that_shares_nothing_costs_nothing_and_stays() -> None:
    predicted = PREDICTED[2:].clone().requires_grad_()
    cost = IoUBalancedLocalization()(predicted, TARGET[2:])
    cost.backward()
    assert cost.item() == 0
    assert not predicted.grad.any()


def test_the_iou_of_what_offsets_stand_for_can_be_given() -> None:
    offsets, truth = torch.full((3, 4), 2.0), torch.zeros(3, 4)
    iou = IOU.clone().requires_grad_()
    got = IoUBalancedLocalization(lambda_=1.0, reduction="none")(offsets.requires_grad_(), truth, iou=iou)
    got.sum().backward()
    assert got.tolist() == pytest.approx([6 * 1 / 2, 6 * 3 / 4, 0])
    assert iou.grad is None
    with pytest.raises(ValueError, match=r"`iou` must have one number a box, \[3\]; got \[3, 1\]"):
        IoUBalancedLocalization()(offsets, truth, iou=IOU[:, None])


def test_its_keywords_have_rules() -> None:
    for name, value in {"lambda_": -1, "w_loc": 0, "beta": -1}.items():
        with pytest.raises(ValueError, match=f"`{name}` is .* must be a number"):
            IoUBalancedLocalization(**{name: value})
