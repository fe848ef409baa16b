"""Losses of boxes as code: the price of each box beside its target, and their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.data.script.text import block
from piste.training.script.source import plain

if TYPE_CHECKING:
    from piste.training.script.losses import Losses

_OF_TORCHVISION = {"giou": "generalized", "diou": "distance", "ciou": "complete"}


def of_overlap(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of an IoU loss."""
    if loss.kind in _OF_TORCHVISION:
        lines = f"cost = {_OF_TORCHVISION[loss.kind]}_box_iou_loss(boxes, target)"
    elif loss.kind == "iou":
        lines = block("""
            low, high = torch.maximum(boxes, target)[:, :2], torch.minimum(boxes, target)[:, 2:]
            shared = (high - low).clamp(min=0).prod(1)
            areas = [(each[:, 2:] - each[:, :2]).prod(1) for each in (boxes, target)]
            cost = 1 - shared / (areas[0] + areas[1] - shared).clamp(min=1e-30)
        """)
    else:
        lines = block("""
            sizes = [each[:, 2:] - each[:, :2] for each in (boxes, target)]
            around = torch.maximum(boxes, target)[:, 2:] - torch.minimum(boxes, target)[:, :2]
            cost = distance_box_iou_loss(boxes, target) + ((sizes[0] - sizes[1]) / around).square().sum(1)
        """)
    return f"{lines}\nreturn (scale * cost).sum()"


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


def of_anchors(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of MultiBox."""
    settings = losses.settings(loss, moving)
    wanted = plain(f"wanted = {settings['neg_pos_ratio']} * found")
    wanted = f"{wanted.partition(' = ')[0]} = ({wanted.partition(' = ')[2]})"
    least = settings["min_negatives"]
    wanted = (
        f"{wanted}.clamp(min={least})"
        if least not in ("0", "0.0")
        else plain(f"wanted = {settings['neg_pos_ratio']} * found")
    )
    misplaced = f'F.smooth_l1_loss(offsets[positive], target[positive], beta={settings["beta"]}, reduction="sum")'
    return block(f"""
        positive = labels > 0
        surprise = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        hardest = surprise.where(~positive, 0).sort(1, descending=True).values
        found = positive.sum(1, keepdim=True)
        {wanted}
        mined = hardest.where(torch.arange(labels.shape[1], device=labels.device) < wanted, 0)
        misplaced = {misplaced}
        {plain(f"cost = surprise[positive].sum() + mined.sum() + {settings['alpha']} * misplaced")}
        return cost / found.sum().clamp(min=1)
    """)
