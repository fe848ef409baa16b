"""Box losses beside independent implementations."""

from math import log
from types import SimpleNamespace

import pytest
import torch
from monai.losses import BoxGIoULoss
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou, complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

from piste.losses import BoxIoU, BoxL1, IoUBalancedClassification, IoUBalancedLocalization, MultiBox

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


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.5])
def test_iou_balanced_localization_is_made_of_torchvision_s_iou_and_torch_s_smooth_l1(witness, lambda_) -> None:
    ours, theirs = PREDICTED.clone().requires_grad_(), PREDICTED.clone().requires_grad_()
    got = IoUBalancedLocalization(lambda_=lambda_, beta=0.5, reduction="none")(ours, TARGET)
    weight = box_iou(PREDICTED, TARGET).diagonal() ** lambda_
    expected = weight * F.smooth_l1_loss(theirs, TARGET, beta=0.5, reduction="none").sum(1)
    got.sum().backward()
    expected.sum().backward()
    witness("iou_balanced_localization", "torch smooth_l1_loss, torchvision box_iou", got, expected, rtol=1e-12)
    witness("iou_balanced_localization", "gradient of torch smooth_l1_loss", ours.grad, theirs.grad, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 1.5])
def test_iou_balanced_classification_has_the_value_of_torch_s_cross_entropy(witness, eta) -> None:
    logits, target = example(41, 5), torch.arange(41) % 5
    iou = example(41, seed=9).sigmoid()
    got = IoUBalancedClassification(eta=eta)(logits, target, iou=iou)
    witness("iou_balanced_classification", "torch cross_entropy", got, F.cross_entropy(logits, target), rtol=1e-12)


def multi_box_of_torchvision(logits, offsets, labels, priors, boxes) -> torch.Tensor:
    """Each positive prior is matched with a box of its own, by its place."""
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    ssd = SimpleNamespace(box_coder=coder, neg_to_pos_ratio=3)
    targets = [{"boxes": box, "labels": label} for box, label in zip(boxes, labels, strict=True)]
    matched = [torch.where(label > 0, torch.arange(len(label)), -1) for label in labels]
    heads = {"bbox_regression": offsets, "cls_logits": logits}
    parts = SSD.compute_loss(ssd, targets, heads, [priors] * len(labels), matched)
    return parts["bbox_regression"] + parts["classification"]


def priors_and_labels(positives: int) -> tuple[torch.Tensor, ...]:
    corner, side = 10 * example(2, 41, 2), 1 + 4 * example(2, 41, 2, seed=6).sigmoid()
    boxes = torch.cat((corner, corner + side), 2)
    priors = boxes[0] + 0.3 * example(41, 4, seed=7).tanh()
    labels = torch.zeros(2, 41, dtype=torch.long)
    labels[0, :positives] = 1 + torch.arange(positives) % 4
    return 2 * example(2, 41, 5), example(2, 41, 4), labels, priors, boxes


@pytest.mark.parametrize("positives", [0, 1, 10])
def test_multi_box_is_torchvision_s_ssd(witness, positives) -> None:
    logits, offsets, labels, priors, boxes = priors_and_labels(positives)
    encoded = torch.stack([BoxCoder((10.0, 10.0, 5.0, 5.0)).encode_single(box, priors) for box in boxes])
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    got = MultiBox()(ours, offsets, labels, encoded)
    expected = multi_box_of_torchvision(theirs, offsets, labels, priors, boxes)
    got.backward()
    expected.backward()
    witness("multi_box", "torchvision SSD.compute_loss", got, expected, rtol=1e-12)
    witness("multi_box", "gradient of torchvision SSD.compute_loss", ours.grad, theirs.grad, rtol=1e-12)


def test_torchvision_is_wrong_about_images_with_fewer_negatives_than_it_wants() -> None:
    """Of 4 even priors 2 are positive: 4 ln 2 over 2. Its SSD wants 6 negatives and takes all 4 for such."""
    labels, even = torch.tensor([[1, 1, 0, 0]]), torch.zeros(1, 4, 2)
    priors = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 4)
    nowhere = torch.zeros(1, 4, 4)
    assert MultiBox()(even, nowhere, labels, nowhere).item() == pytest.approx(2 * log(2))
    assert multi_box_of_torchvision(even, nowhere, labels, priors, priors[None]).item() == pytest.approx(3 * log(2))


def test_torchvision_is_wrong_about_points_in_their_place() -> None:
    """Its giou charges 1 for a box without area that is where it should be, and its ciou gives NaN."""
    point = torch.tensor([[3.0, 4.0, 3.0, 4.0]])
    assert BoxIoU(kind="giou")(point, point).item() == BoxIoU(kind="ciou")(point, point).item() == 0
    assert generalized_box_iou_loss(point, point).item() == 1
    assert complete_box_iou_loss(point, point).isnan().all()
