"""Losses of areas as code: hits, false alarms and misses of each class, what they cost, and the mean over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.data.script.text import block
from piste.losses.regions.base import RegionLoss
from piste.losses.regions.units import absent_or_default, ratio
from piste.training.script.source import formula

if TYPE_CHECKING:
    from piste.training.script.losses import Losses


def of_areas(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices areas."""
    if losses.task.axes == 0 and loss.per_image:
        raise ValueError("`loss`: a script knows no areas of each image (`per_image`) where images have no positions")
    if type(loss).share is not RegionLoss.share:
        raise ValueError(f"`loss`: a script can't hold {type(loss).__name__}, which prices all classes together")
    losses.add_mean()
    given = ", ".join(losses.task.given)
    name = "areas_per_image" if loss.per_image else "areas"
    losses.add(name, _areas(losses, name, per_image=loss.per_image))
    chosen = "" if loss.classes == "all" else f"[..., {list(loss.classes)}]"
    price = formula(loss.cost, losses.settings(loss, moving))
    losses.add_all(price.needs)
    lines = [f"tp, fp, fn = {name}({given}){chosen}", price.lines]
    absent = absent_or_default(loss.absent, loss.activation, loss._classes)
    weight = None
    if loss.weight is not None:
        own = loss.weight if loss.classes == "all" else [loss.weight[i] for i in loss.classes]
        lines.append(losses.weights(own))
        weight = "weight"
    if absent == "skip":
        counts = "tp + fn > 0" if weight is None else "weight * (tp + fn > 0)"
        return "\n".join([*lines, f"return mean(cost, {counts})"])
    number = _number(losses, per_image=loss.per_image)
    lines.append(f"number = {number}")
    if absent == "area":
        losses.add_all({"ratio": ratio})  # type: ignore[dict-item]
        lines.append("cost = torch.where(tp + fn > 0, cost, ratio(tp + fp, number))")
    counts = "number > 0" if weight is None else "weight * (number > 0)"
    return "\n".join([*lines, f"return mean(cost, {counts})"])


def _number(losses: Losses, *, per_image: bool) -> str:
    """How many elements count."""
    if "known" not in losses.task.given:
        return "torch.tensor(float(len(target)), device=logits.device)"
    if per_image:
        return "known.flatten(1).sum(1, keepdim=True).float()"
    return "known.sum().float()"


def _areas(losses: Losses, name: str, *, per_image: bool) -> str:
    """`areas`: what of each class is a hit, what a false alarm and what is missed."""
    task = losses.task
    arguments = ", ".join(f"{given}: Tensor" for given in task.given)
    axes = ("(2, 3)" if per_image else "(0, 2, 3)") if task.axes else "0"
    known = "known" in task.given
    shape = "[3, N, C]" if per_image else "[3, C]"
    if task.activation == "softmax":
        move = ".movedim(-1, 1)" if task.axes else ""
        count = " * known.unsqueeze(1)" if known else ""
        probs = f"logits.softmax(1){count}"
        truth = f"F.one_hot(target, {task.classes}){move}{count}"
    else:
        count = " * known" if known else ""
        probs, truth = f"logits.sigmoid(){count}", f"target{count}" if known else "target.float()"
    return block(f'''
        def {name}({arguments}) -> Tensor:
            """Hits, false alarms and misses of each class{" in each image" if per_image else ""}, {shape}; \
a pixel counts as much as its probability."""
            probs, truth = {probs}, {truth}
            hits = (probs * truth).sum({axes})
            false_alarms, misses = probs.sum({axes}) - hits, truth.sum({axes}) - hits
            return torch.stack([hits, false_alarms.clamp(min=0), misses.clamp(min=0)])
    ''')
