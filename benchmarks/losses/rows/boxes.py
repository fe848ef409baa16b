"""Box losses: pairs of rectangles, and priors of a detector."""

from collections.abc import Iterator
from types import SimpleNamespace

import torch
from monai.losses import BoxGIoULoss
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.ssd import SSD
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

from piste import losses

from ..row import Entrant, Inputs, Limits, Row, Setting
from .labels import CROSS_ENTROPY, formula

SMOOTH_L1 = Entrant("torch smooth_l1_loss", F.smooth_l1_loss)
PEERS = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}


def rows(quick: bool) -> Iterator[Row]:
    """Many pairs and few, then what detectors add."""
    for count, times in ((2000 if quick else 200_000, 5.0), (1000, 1.5)):
        limits = Limits(faster=("torchvision", times))
        setting = pairs(count)
        for kind in ("giou", "iou", "diou", "ciou", "eiou"):
            peers = [formula(lambda x, t: 1 - iou(x, t).mean())] if kind == "iou" else []
            if kind in PEERS:
                theirs = PEERS[kind]
                name = f"torchvision {theirs.__name__}"
                peers.append(Entrant(name, lambda x, t, theirs=theirs: theirs(x, t, reduction="mean", eps=1e-12)))
            if kind == "giou":
                peers.append(Entrant("MONAI BoxGIoULoss", BoxGIoULoss()))
            main = count > 1000 and kind in ("giou", "ciou")
            yield Row(losses.BoxIoU(kind=kind), setting, SMOOTH_L1, tuple(peers), limits, main=main)
        torch_s = Entrant(SMOOTH_L1.name, F.smooth_l1_loss, factor=4.0)
        yield Row(losses.BoxL1(), setting, torch_s, (torch_s,), main=count > 1000)
        yield Row(losses.IoUBalancedLocalization(), setting, SMOOTH_L1, (formula(balanced),), main=count > 1000)
    loss = losses.IoUBalancedClassification()
    native = Entrant(CROSS_ENTROPY.name, CROSS_ENTROPY.call, lambda target, iou: (target,))
    yield Row(loss, scored(quick), native, (formula(by_iou),), call=lambda x, t, iou: loss(x, t, iou=iou))
    yield multi_box(quick)


def pairs(count: int) -> Setting:
    """Boxes that share something with their targets, most of them."""

    def draw(dice: torch.Generator) -> Inputs:
        corner, size = 600 * torch.rand(count, 2, generator=dice), 10 + 100 * torch.rand(count, 2, generator=dice)
        target = torch.cat((corner, corner + size), 1)
        grown = size * (1 + 0.3 * torch.randn(count, 2, generator=dice).tanh())
        moved = corner + 10 * torch.randn(count, 2, generator=dice)
        return Inputs((torch.cat((moved, moved + grown), 1),), (target,))

    return Setting(f"{count:,} pairs", draw)


def iou(x: Tensor, t: Tensor) -> Tensor:
    """Intersection over union of each pair, as one writes it."""
    shared = (torch.minimum(x[:, 2:], t[:, 2:]) - torch.maximum(x[:, :2], t[:, :2])).clamp(min=0).prod(1)
    areas = (x[:, 2:] - x[:, :2]).prod(1) + (t[:, 2:] - t[:, :2]).prod(1)
    return shared / (areas - shared)


def balanced(x: Tensor, t: Tensor) -> Tensor:
    """Smooth L1 by the overlap to the power of lambda, and that held constant."""
    weight = iou(x.detach(), t) ** losses.IoUBalancedLocalization().lambda_
    return (losses.IoUBalancedLocalization().w_loc * weight * F.smooth_l1_loss(x, t, reduction="none").sum(1)).mean()


def scored(quick: bool) -> Setting:
    """Scores of anchors, a tenth of them positive, each with the overlap of its box."""
    count = 2000 if quick else 100_000

    def draw(dice: torch.Generator) -> Inputs:
        label = torch.randint(1, 21, (count,), generator=dice) * (torch.rand(count, generator=dice) < 0.1)
        return Inputs((2 * torch.randn(count, 21, generator=dice),), (label, torch.rand(count, generator=dice)))

    return Setting(f"softmax [{count}, 21]", draw)


def by_iou(x: Tensor, t: Tensor, iou: Tensor) -> Tensor:
    """Cross-entropy whose positives share their total by the overlap to the power of eta."""
    cost, positive = F.cross_entropy(x, t, reduction="none"), t > 0
    share = iou**1.5
    fixed = cost.detach()[positive]
    scale = fixed.sum() / (share[positive] * fixed).sum()
    return (cost * torch.where(positive, share * scale, 1.0)).mean()


def multi_box(quick: bool) -> Row:
    """A batch of SSD300: 8732 priors, 21 classes, some priors positive."""
    images, priors, classes = (2, 400, 21) if quick else (8, 8732, 21)
    loss, coder = losses.MultiBox(), BoxCoder((10.0, 10.0, 5.0, 5.0))
    ssd = SimpleNamespace(box_coder=coder, neg_to_pos_ratio=3)

    def draw(dice: torch.Generator) -> Inputs:
        corner, size = torch.rand(priors, 2, generator=dice), 0.05 + 0.3 * torch.rand(priors, 2, generator=dice)
        prior = torch.cat((corner, corner + size), 1)
        boxes = prior + 0.02 * torch.randn(images, priors, 4, generator=dice).tanh()
        positive = torch.rand(images, priors, generator=dice) < 0.01
        label = torch.randint(1, classes, (images, priors), generator=dice) * positive
        encoded = torch.stack([coder.encode_single(each, prior) for each in boxes])
        scores = (2 * torch.randn(images, priors, c, generator=dice) for c in (classes, 4))
        return Inputs(tuple(scores), (label, encoded, prior, boxes))

    def form(label: Tensor, _: Tensor, prior: Tensor, boxes: Tensor) -> tuple[object, ...]:
        targets = [{"boxes": each, "labels": of} for each, of in zip(boxes, label, strict=True)]
        matched = [torch.where(of > 0, torch.arange(priors, device=of.device), -1) for of in label]
        return targets, [prior] * images, matched

    def torchvision(logits: Tensor, offsets: Tensor, *aim: object) -> Tensor:
        targets, anchors, matched = aim
        heads = {"bbox_regression": offsets, "cls_logits": logits}
        parts = SSD.compute_loss(ssd, targets, heads, anchors, matched)
        return parts["bbox_regression"] + parts["classification"]

    def native(logits: Tensor, _: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(0, 1), label.flatten()) + 0 * _.sum()

    return Row(
        loss,
        Setting(f"{images} x {priors} priors, {classes} classes", draw),
        Entrant("torch cross_entropy", native, lambda label, *_: (label,)),
        (Entrant("torchvision SSD.compute_loss", torchvision, form, eager_only=True),),
        call=lambda logits, offsets, label, encoded, *_: loss(logits, offsets, label, encoded),
    )
