"""Losses of labels as code: the price of the truth's log-probability, and its mean over what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from piste.losses.labels.base import LabelLoss
from piste.tasks.base.scripted import ScriptedPart
from piste.training.script.source import formula, plain

if TYPE_CHECKING:
    from piste.training.script.losses import Losses


def of_labels(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices the log-probability of the truth."""
    settings = losses.settings(loss, moving)
    smoothing = settings.get("label_smoothing", "0.0")
    smoothed = smoothing not in ("0.0", "0")
    if loss.activation == "sigmoid":
        return _independent(losses, loss, settings, smoothing if smoothed else None)
    return _smoothed(losses, loss, settings, smoothing) if smoothed else _exclusive(losses, loss, settings)


def _price(losses: Losses, loss: Any, settings: dict[str, str], log_p: str, result: str = "cost") -> list[str]:
    """Lines that set `result` to the price of a log-probability."""
    found = formula(loss.phi, settings, result)
    losses.add_all(found.needs)
    if found.lines == f"{result} = -log_p":
        plus = log_p.removeprefix("-")
        return [f"{result} = {plus if plus != log_p else f'-{log_p}'}"]
    return [f"log_p = {log_p}", found.lines]


def _exclusive(losses: Losses, loss: Any, settings: dict[str, str]) -> str:
    lines = _price(losses, loss, settings, '-F.cross_entropy(logits, target, reduction="none")')
    return "\n".join([*lines, *_mean_of_classes(losses, loss)])


def _mean_of_classes(losses: Losses, loss: Any) -> list[str]:
    """The last lines of a loss of exclusive classes: the mean of the cost of each element."""
    known = "known" in losses.task.given
    if "scale" in losses.task.given:
        return _sum(losses, loss, "weight[target] * ")
    if loss.weight is None and not known:
        return ["return cost.mean()"]
    losses.add_mean()
    if loss.weight is None:
        return ["return mean(cost, known)"]
    return [losses.weights(loss.weight), f"return mean(cost, weight[target]{' * known' if known else ''})"]


def _sum(losses: Losses, loss: Any, weighed: str, view: str = "") -> list[str]:
    """The last lines of a loss of what counts by scale: their sum."""
    if loss.weight is None:
        return ["return (scale * cost).sum()"]
    return [losses.weights(loss.weight, view=view), f"return (scale * {weighed}cost).sum()"]


def _smoothed(losses: Losses, loss: Any, settings: dict[str, str], smoothing: str) -> str:
    """Each class is priced by its share of the label."""
    classes = losses.task.classes
    move = ".movedim(-1, 1)" if losses.task.axes else ""
    lines = [
        f"shares = F.one_hot(target, {classes}){move}.float()",
        f"shares = shares + {smoothing} * (1 / {classes} - shares)",
        *_price(losses, loss, settings, "F.log_softmax(logits, 1)"),
    ]
    known = "known" in losses.task.given
    if loss.weight is None:
        lines.append("cost = (shares * cost).sum(1)")
        if "scale" in losses.task.given:
            return "\n".join([*lines, "return (scale * cost).sum()"])
        if not known:
            return "\n".join([*lines, "return cost.mean()"])
        losses.add_mean()
        return "\n".join([*lines, "return mean(cost, known)"])
    view = f".view(-1{', 1' * losses.task.axes})"
    lines += [losses.weights(loss.weight), f"cost = (shares * weight{view if losses.task.axes else ''} * cost).sum(1)"]
    if "scale" in losses.task.given:
        return "\n".join([*lines, "return (scale * cost).sum()"])
    if not known:
        return "\n".join([*lines, "return cost.sum() / weight[target].sum()"])
    lines.append("return (known * cost).sum() / (known * weight[target]).sum().clamp(min=1e-30)")
    return "\n".join(lines)


def of_hardest(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss of labels that counts for the hardest elements alone."""
    inner, keep = loss._each, losses.settings(loss, moving)["keep"]
    if not isinstance(inner, LabelLoss) or inner.label_smoothing:
        raise ValueError(
            f"`loss`: a script can't hold hard_mining of {inner!r}; it can hold that of cross_entropy or focal"
        )
    settings, given = losses.settings(inner, ()), losses.task.given
    if inner.activation == "sigmoid":
        lines = _costs(losses, inner, settings, None)
        by_class = "weight"
    else:
        lines = _price(losses, inner, settings, '-F.cross_entropy(logits, target, reduction="none")')
        by_class = "weight[target]"
    factors: list[str] = [name for name in ("scale", "known") if name in given]
    if inner.weight is not None:
        lines.append(losses.weights(inner.weight, view=_view(losses) if inner.activation == "sigmoid" else ""))
        factors.append(by_class)
    counts = " * ".join([*factors, "torch.ones_like(cost)"])
    lines += [
        f"weight = {counts}",
        "hardness = cost.detach().where(weight > 0, -math.inf)",
        f"number = max(math.ceil({keep} * int((weight > 0).sum()) - 1e-4), 1)",
        "kept = weight * (hardness >= hardness.flatten().topk(number).values[-1])",
        "return (kept * cost).sum() / kept.sum().clamp(min=1e-30)",
    ]
    return "\n".join(lines)


def _independent(losses: Losses, loss: Any, settings: dict[str, str], smoothing: str | None) -> str:
    return "\n".join([*_costs(losses, loss, settings, smoothing), *mean_of_labels(losses, loss)])


def _costs(losses: Losses, loss: Any, settings: dict[str, str], smoothing: str | None) -> list[str]:
    """Lines that set `cost` to the price of each label."""
    no, yes = _sides(losses, loss, settings)
    soft = isinstance(losses.task, ScriptedPart) and losses.task.soft
    if smoothing is None and soft:
        lines = [
            *_price(losses, loss, settings, "F.logsigmoid(logits)", "of_yes"),
            *_price(losses, loss, settings, "F.logsigmoid(-logits)", "of_no"),
            plain(f"cost = {yes} * target * of_yes + {no} * (1 - target) * of_no"),
        ]
    elif smoothing is None:
        lines = _price(losses, loss, settings, "F.logsigmoid(torch.where(target, logits, -logits))")
        if (no, yes) != ("1.0", "1.0"):
            lines.append(f"cost = cost * torch.where(target, {yes}, {no})")
    else:
        lines = [
            *_price(losses, loss, settings, "F.logsigmoid(logits)", "of_yes"),
            *_price(losses, loss, settings, "F.logsigmoid(-logits)", "of_no"),
            f"share = target + {smoothing} * (0.5 - target.float())",
            f"cost = {yes} * share * of_yes + {no} * (1 - share) * of_no",
        ]
    return lines


def mean_of_labels(losses: Losses, loss: Any) -> list[str]:
    """The last lines of a loss of independent labels: the mean of the cost of each."""
    known = "known" in losses.task.given
    if "scale" in losses.task.given:
        return _sum(losses, loss, "weight * ", view=_view(losses))
    if loss.weight is None:
        if not known:
            return ["return cost.mean()"]
        losses.add_mean()
        return ["return mean(cost, known)"]
    losses.add_mean()
    return [losses.weights(loss.weight, view=_view(losses)), f"return mean(cost, weight{' * known' if known else ''})"]


def _view(losses: Losses) -> str:
    """What makes numbers per class fit the scores."""
    return f".view(-1{', 1' * losses.task.axes})" if losses.task.axes else ""


def _sides(losses: Losses, loss: Any, settings: dict[str, str]) -> tuple[str, str]:
    """Factors on the price of no and of yes, as code."""
    if settings.get("alpha") == "alpha":
        return "1 - alpha", "alpha"
    if settings.get("pos_weight") == "pos_weight":
        return "1.0", "pos_weight"
    if not isinstance(loss, LabelLoss):
        return "1.0", "1.0"
    sides = loss.sides(torch.zeros(1, losses.task.classes, *[1] * losses.task.axes))
    if sides is None:
        return "1.0", "1.0"
    written = []
    for side in sides:
        if isinstance(side, torch.Tensor):
            written.append(f"torch.tensor({side.flatten().tolist()}, device=logits.device){_view(losses)}")
        else:
            written.append(repr(float(side)))
    return written[0], written[1]


def of_scores(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices a score against its label."""
    found = formula(loss.price, losses.settings(loss, moving))
    losses.add_all(found.needs)
    lines = ["truth = target.float()", found.lines]
    return "\n".join([*lines, *mean_of_labels(losses, loss)])


def of_squares(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of the squared error of probabilities."""
    if loss.activation == "sigmoid":
        lines = ["cost = 2 * (logits.sigmoid() - target.float()).square()", *mean_of_labels(losses, loss)]
        return "\n".join(lines)
    lines = [
        "probs = logits.softmax(1)",
        "true = probs.gather(1, target.unsqueeze(1)).squeeze(1)",
        "cost = probs.square().sum(1) - 2 * true + 1",
    ]
    return "\n".join([*lines, *_mean_of_classes(losses, loss)])
