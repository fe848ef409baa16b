"""Losses of boxes as code: the price of each box beside its target, and their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.data.script.text import block
from piste.losses import spec_of
from piste.models.detection.matched import overlap
from piste.tasks.base.scripted import ScriptedPart
from piste.training.script.source import plain

if TYPE_CHECKING:
    from piste.training.script.losses import Losses


def of_overlap(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of an IoU loss."""
    if "overlap" in _OF_KIND[loss.kind]:
        losses.add_all({"overlap": overlap})
    return f"{block(_OF_KIND[loss.kind])}\nreturn (scale * cost).sum()"


_OF_KIND = {
    "iou": "cost = 1 - overlap(boxes, target)",
    "giou": "cost = generalized_box_iou_loss(boxes, target)",
    "diou": "cost = distance_box_iou_loss(boxes, target)",
    "ciou": """
        (w, h), (true_w, true_h) = ((each[:, 2:] - each[:, :2]).unbind(1) for each in (boxes, target))
        cross, dot = true_w * h - w * true_h, w * true_w + h * true_h
        v = (2 / math.pi * torch.atan2(cross, dot.where(dot > 0, 1))).square()
        alpha = (v / (1 - overlap(boxes, target) + v).clamp(min=1e-30)).detach()
        cost = distance_box_iou_loss(boxes, target) + alpha * v
    """,
    "eiou": """
        sizes = [each[:, 2:] - each[:, :2] for each in (boxes, target)]
        around = torch.maximum(boxes, target)[:, 2:] - torch.minimum(boxes, target)[:, :2]
        cost = distance_box_iou_loss(boxes, target) + ((sizes[0] - sizes[1]) / around).square().sum(1)
    """,
}
"""The cost of each pair of boxes; torchvision's own where boxes without size have a slope there."""


def of_offsets(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of smooth L1, of offsets or of corners."""
    boxes, beta = losses.task.given[0], losses.settings(loss, moving)["beta"]
    return (
        f'cost = F.smooth_l1_loss({boxes}, target, beta={beta}, reduction="none").sum(1)\nreturn (scale * cost).sum()'
    )


def of_numbers(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of Huber's loss of each number of a box."""
    boxes, delta = losses.task.given[0], losses.settings(loss, moving)["delta"]
    return f'cost = F.huber_loss({boxes}, target, delta={delta}, reduction="none").sum(1)\nreturn (scale * cost).sum()'


def of_balanced_offsets(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of smooth L1 that counts the more the better a box fits."""
    _check_iou(losses, loss)
    settings = losses.settings(loss, moving)
    weight = plain(f"weight = {settings['w_loc']} * iou**{settings['lambda_']}")
    cost = f'cost = F.smooth_l1_loss(offsets, target, beta={settings["beta"]}, reduction="none").sum(1)'
    return f"{weight}\n{cost}\nreturn (scale * weight * cost).sum()"


def of_balanced_labels(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of cross-entropy whose positives count the more the better their boxes fit."""
    _check_iou(losses, loss)
    eta = losses.settings(loss, moving)["eta"]
    if loss.activation == "softmax":
        start = f'cost = F.cross_entropy(logits, target, reduction="none")\npositive, share = target > 0, iou**{eta}'
    else:
        start = 'cost = F.binary_cross_entropy_with_logits(logits, target.float(), reduction="none")'
        start += f"\npositive, share = target, iou.unsqueeze(1) ** {eta}"
    rest = block("""
        paid = (scale * cost.detach()).where(positive, 0)
        weighted = (share * paid).sum()
        weight = (share * paid.sum() / weighted).where(positive & (weighted > 0), 1)
        return (scale * weight * cost).sum()
    """)
    return f"{start}\n{rest}"


def _check_iou(losses: Losses, loss: Any) -> None:
    if not isinstance(losses.task, ScriptedPart) or "iou" not in losses.task.beside:
        raise ValueError(f"`loss`: a script can't hold {spec_of(loss).name} in a detector of two stages")


def of_anchors(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of MultiBox."""
    settings = losses.settings(loss, moving)
    wanted, least = plain(f"wanted = {settings['neg_pos_ratio']} * found"), settings["min_negatives"]
    if least not in ("0", "0.0"):
        wanted = f"wanted = ({wanted.removeprefix('wanted = ')}).clamp(min={least})"
    misplaced = f'F.smooth_l1_loss(offsets[positive], target[positive], beta={settings["beta"]}, reduction="sum")'
    return block(f"""
        positive = labels > 0
        surprise = F.cross_entropy(logits, labels, reduction="none")
        hardest = surprise.where(~positive, 0).sort(1, descending=True).values
        found = positive.sum(1, keepdim=True)
        {wanted}
        mined = hardest.where(torch.arange(labels.shape[1], device=labels.device) < wanted, 0)
        misplaced = {misplaced}
        {plain(f"cost = surprise[positive].sum() + mined.sum() + {settings['alpha']} * misplaced")}
        return cost / found.sum().clamp(min=1)
    """)
