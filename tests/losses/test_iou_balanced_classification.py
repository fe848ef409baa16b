"""What IoUBalancedClassification alone promises: well-placed boxes pull harder, and the whole costs what it cost."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import IoUBalancedClassification

dice = torch.Generator().manual_seed(4)
LOGITS = torch.randn(9, 4, generator=dice, dtype=torch.float64)
TARGET = torch.tensor([1, 2, 3, 1, 0, 0, 0, 0, 0])
LABELS = F.one_hot(TARGET, 4)[:, 1:]
IOU = torch.tensor([0.9, 0.6, 0.3, 0.0, 0.7, 0.0, 0.1, 0.2, 0.5], dtype=torch.float64)


def slopes(loss, logits=LOGITS, target=TARGET, iou=IOU, **call) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = logits.clone().requires_grad_()
    cost = loss(leaf, target, iou=iou, **call)
    cost.sum().backward()
    return cost.detach(), leaf.grad


def plain(reduction="sum") -> tuple[torch.Tensor, torch.Tensor]:
    return slopes(lambda x, t, iou: F.cross_entropy(x, t, reduction=reduction))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.5, 3.0])
def test_the_value_is_that_of_cross_entropy_and_each_positive_pulls_by_its_share(eta) -> None:
    cost, slope = slopes(IoUBalancedClassification(eta=eta, reduction="sum"))
    expected, pull = plain()
    torch.testing.assert_close(cost, expected)
    each = F.cross_entropy(LOGITS, TARGET, reduction="none")
    share = IOU[:4] ** eta
    weight = share * each[:4].sum() / (share * each[:4]).sum()
    torch.testing.assert_close(slope[:4], weight[:, None] * pull[:4])
    assert torch.equal(slope[4:], pull[4:])


def test_eta_0_is_cross_entropy_exactly() -> None:
    for got, expected in zip(slopes(IoUBalancedClassification(eta=0.0)), plain("mean"), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-15, atol=1e-16)
    loss = IoUBalancedClassification(eta=0.0, activation="sigmoid", reduction="none")
    expected = F.binary_cross_entropy_with_logits(LOGITS[:, 1:], LABELS.double(), reduction="none")
    assert torch.equal(loss(LOGITS[:, 1:], LABELS, iou=IOU), expected)


def test_with_sigmoid_only_the_label_of_a_positive_is_weighted() -> None:
    loss = IoUBalancedClassification(eta=1.0, activation="sigmoid", reduction="none")
    each = F.binary_cross_entropy_with_logits(LOGITS[:, 1:], LABELS.double(), reduction="none")
    weight = loss(LOGITS[:, 1:], LABELS, iou=IOU) / each
    positives = each[LABELS > 0]
    scale = positives.sum() / (IOU[:4] * positives).sum()
    torch.testing.assert_close(weight[LABELS > 0], scale * IOU[:4])
    torch.testing.assert_close(weight[LABELS == 0], torch.ones(23, dtype=torch.float64))


@pytest.mark.parametrize("target", [0 * TARGET, TARGET])
def test_without_positives_or_without_any_overlap_it_is_cross_entropy(target) -> None:
    got = IoUBalancedClassification(reduction="none")(LOGITS, target, iou=0 * IOU)
    torch.testing.assert_close(got, F.cross_entropy(LOGITS, target, reduction="none"))


def test_only_the_proportions_of_the_overlaps_matter() -> None:
    loss = IoUBalancedClassification(reduction="none")
    torch.testing.assert_close(loss(LOGITS, TARGET, iou=IOU / 3), loss(LOGITS, TARGET, iou=IOU))


def test_the_overlap_of_a_negative_means_nothing_and_no_overlap_has_a_slope() -> None:
    loss = IoUBalancedClassification(reduction="none")
    iou = IOU.clone()
    iou[4:] = torch.nan
    assert torch.equal(loss(LOGITS, TARGET, iou=iou), loss(LOGITS, TARGET, iou=IOU))
    leaf = IOU.clone().requires_grad_()
    loss(LOGITS.clone().requires_grad_(), TARGET, iou=leaf).sum().backward()
    assert leaf.grad is None


def test_what_is_masked_is_in_no_total_whatever_its_label() -> None:
    mask = torch.tensor([True, False, True] + [True] * 6)
    target, iou = TARGET.where(mask, 255), IOU.where(mask, torch.nan)
    got = IoUBalancedClassification(reduction="none")(LOGITS, target, iou=iou, mask=mask)[mask]
    alone = IoUBalancedClassification(reduction="none")(LOGITS[mask], TARGET[mask], iou=IOU[mask])
    torch.testing.assert_close(got, alone)


def test_what_does_not_fit_is_named() -> None:
    loss = IoUBalancedClassification()
    with pytest.raises(ValueError, match=r"`iou` must have one number a box, .*\[9\]; got \[9, 4\]"):
        loss(LOGITS, TARGET, iou=IOU[:, None].expand(9, 4))
    with pytest.raises(ValueError, match="`target` must hold class ids, integers"):
        loss(LOGITS, LOGITS.softmax(1), iou=IOU)
    with pytest.raises(ValueError, match="`eta` is an exponent"):
        IoUBalancedClassification(eta=-1)
