"""Losses of areas as code: hits, false alarms and misses of each class, what they cost, and the mean over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.data.script.text import block, indented
from piste.losses.regions.base import RegionLoss
from piste.losses.regions.units import absent_or_default, ratio
from piste.training.script.source import formula

if TYPE_CHECKING:
    from piste.training.script.losses import Losses


def of_areas(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices areas."""
    if losses.task.axes == 0 and loss.per_image:
        raise ValueError("`loss`: a script knows no areas of each image (`per_image`) where images have no positions")
    losses.add_mean()
    given = ", ".join(losses.task.given)
    name = "areas_per_image" if loss.per_image else "areas"
    losses.add(name, _areas(losses, name, per_image=loss.per_image))
    chosen = "" if loss.classes == "all" else f"[..., {list(loss.classes)}]"
    price = formula(loss.cost, losses.settings(loss, moving))
    losses.add_all(price.needs)
    lines = [f"tp, fp, fn = {name}({given}){chosen}", price.lines]
    absent = absent_or_default(loss.absent, loss.activation, loss._classes)
    together = type(loss).share is not RegionLoss.share
    weighed, counts = _counting(losses, loss, absent, "tp + fn > 0")
    lines += weighed
    if absent == "area":
        losses.add_all({"ratio": ratio})
        there = "(tp + fn > 0).any(-1, keepdim=True)" if together else "tp + fn > 0"
        lines.append(f"cost = torch.where({there}, cost, ratio(tp + fp, number))")
    if together:
        losses.add_all({"ratio": ratio})
        lines.append(f"shares = {_share(losses, loss, moving)} * ({counts})")
        lines.append("cost, counts = ratio((shares * cost).sum(-1), shares.sum(-1)), shares.sum(-1) > 0")
        counts = "counts"
    return "\n".join([*lines, f"return mean(cost, {counts})"])


def of_extension(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of the Lovasz extension of the Jaccard loss, of errors of probabilities that are sorted.

    Raises:
        ValueError: names a setting that can't be written.
    """
    for key, written in (("errors", "probability"), ("bins", None), ("per_image", False)):
        if (came := getattr(loss, key)) != written:
            raise ValueError(f"`loss.lovasz.{key}`: a script knows {written} alone; got {came}")
    losses.add_mean()
    task, known = losses.task, "known" in losses.task.given
    flat = f".movedim(1, 0).flatten(1){'[:, known.flatten()]' if known else ''}" if task.axes else ".T"
    if loss.activation == "softmax":
        probs, truth = "logits.softmax(1)", f"F.one_hot(target{'[known]' if known else ''}, {task.classes}).T"
    else:
        probs, truth = "logits.sigmoid()", f"target{flat}.float()"
    chosen = "" if loss.classes == "all" else f"[{list(loss.classes)}]"
    lines = [
        f"probs = {probs}{flat}{chosen}  # [C, elements that count]",
        f"truth = {truth}{chosen}",
        "errors, order = (truth - probs).abs().sort(1, descending=True)",
        "truth = truth.gather(1, order)",
        "inside, outside, whole = truth.cumsum(1), (1 - truth).cumsum(1), truth.sum(1)",
        "score = 1 - (whole.unsqueeze(1) - inside) / (whole.unsqueeze(1) + outside)  # with all errors up to here",
        "cost = (errors * score.diff(dim=1, prepend=errors.new_zeros(len(errors), 1))).sum(1)",
    ]
    absent = absent_or_default(loss.absent, loss.activation, loss._classes)
    weighed, counts = _counting(losses, loss, absent, "whole > 0")
    lines += weighed
    if absent == "area":
        losses.add_all({"ratio": ratio})
        lines.append("cost = torch.where(whole > 0, cost, ratio(probs.sum(1), number))")
    return "\n".join([*lines, f"return mean(cost, {counts})"])


def _counting(losses: Losses, loss: Any, absent: str, there: str) -> tuple[list[str], str]:
    """Lines before the mean over classes, and what each class counts in it.

    Args:
        losses: of the script.
        loss: the one that is written.
        absent: how it treats a class that is in no label.
        there: whether a class is in one, as code.
    """
    lines, counts = [], there if absent == "skip" else "number > 0"
    if loss.weight is not None:
        own = loss.weight if loss.classes == "all" else [loss.weight[i] for i in loss.classes]
        lines.append(losses.weights(own))
        counts = f"weight * ({counts})"
    if absent != "skip":
        lines.append(f"number = {_number(losses, per_image=loss.per_image)}")
    return lines, counts


def _share(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The call of a function of what each class counts where all have one price."""
    found = formula(loss.share, losses.settings(loss, moving), "return")
    losses.add_all(found.needs)
    body = found.lines.replace("return = ", "return ")
    takes = ", ".join(["tp: Tensor", "fp: Tensor", "fn: Tensor", *(f"{name}: float" for name in moving)])
    head = '(TAKES) -> Tensor:\n    """What each class counts in the price of all."""\n'.replace("TAKES", takes)
    name = losses.add_new("share", head + indented(body))
    return f"{name}({', '.join(['tp', 'fp', 'fn', *moving])})"


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
