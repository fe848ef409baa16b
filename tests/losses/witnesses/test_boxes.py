"""Box losses beside independent implementations."""

import pytest
import torch
from monai.losses import BoxGIoULoss
from torch.nn import functional as F
from torchvision.ops import box_iou, complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

from piste.losses import BoxIoU, BoxL1

from .conftest import example

CORNER, SIDE = 10 * example(41, 2), 1 + 4 * example(41, 2, seed=6).sigmoid()
TARGET = torch.cat((CORNER, CORNER + SIDE), 1)
PREDICTED = torch.cat((CORNER, CORNER + SIDE * (1 + 0.3 * example(41, 2, seed=7).tanh())), 1)
PREDICTED = PREDICTED + (2 * example(41, 2, seed=8)).repeat(1, 2)


@pytest.mark.parametrize(
    ("kind", "peer"),
    [("giou", generalized_box_iou_loss), ("diou", distance_box_iou_loss), ("ciou", complete_box_iou_loss)],
)
def test_box_iou_is_torchvision_s(witness, kind, peer) -> None:
    ours, theirs = PREDICTED.clone().requires_grad_(), PREDICTED.clone().requires_grad_()
    got, expected = BoxIoU(kind=kind, reduction="none")(ours, TARGET), peer(theirs, TARGET)
    got.sum().backward()
    expected.sum().backward()
    witness("box_iou", f"torchvision {peer.__name__}", got, expected, rtol=1e-6)
    witness("box_iou", f"gradient of torchvision {peer.__name__}", ours.grad, theirs.grad, rtol=1e-6)


def test_box_iou_is_one_minus_torchvision_s_iou(witness) -> None:
    got = BoxIoU(kind="iou", reduction="none")(PREDICTED, TARGET)
    witness("box_iou", "torchvision box_iou", got, 1 - box_iou(PREDICTED, TARGET).diagonal(), rtol=1e-12)


def test_box_iou_is_monai_s(witness) -> None:
    got = BoxIoU(kind="giou", reduction="none")(PREDICTED, TARGET)
    witness("box_iou", "monai BoxGIoULoss", got, BoxGIoULoss(reduction="none")(PREDICTED, TARGET).flatten(), rtol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 1 / 9, 1.0, 5.0])
def test_box_l1_is_torch_s_summed_over_a_box(witness, beta) -> None:
    ours, theirs = PREDICTED.clone().requires_grad_(), PREDICTED.clone().requires_grad_()
    got = BoxL1(beta=beta, reduction="none")(ours, TARGET)
    expected = F.smooth_l1_loss(theirs, TARGET, beta=beta, reduction="none").sum(1)
    got.sum().backward()
    expected.sum().backward()
    witness("box_l1", "torch smooth_l1_loss", got, expected, rtol=1e-12)
    witness("box_l1", "gradient of torch smooth_l1_loss", ours.grad, theirs.grad, rtol=1e-12)


def test_torchvision_is_wrong_about_points_in_their_place() -> None:
    """Its giou charges 1 for a box without area that is where it should be, and its ciou gives NaN."""
    point = torch.tensor([[3.0, 4.0, 3.0, 4.0]])
    assert BoxIoU(kind="giou")(point, point).item() == BoxIoU(kind="ciou")(point, point).item() == 0
    assert generalized_box_iou_loss(point, point).item() == 1
    assert complete_box_iou_loss(point, point).isnan().all()
