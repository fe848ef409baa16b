"""Losses of values as code: the price of an error, and its mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.losses.values.base import ValueLoss
from piste.losses.values.quantile import price as price_of_quantile
from piste.training.script.source import formula

if TYPE_CHECKING:
    from piste.training.script.losses import Losses

ERROR = "error = prediction - target"


def of_values(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices errors: torch's own function where it has one."""
    settings = losses.settings(loss, moving)
    if type(loss).kernel is not ValueLoss.kernel:
        found = formula(loss.kernel, settings)
        if "scale" in losses.task.given:
            cost = found.lines.replace("reduction='sum'", 'reduction="none"')
            return f"{cost}\nreturn (scale * cost).sum()"
        return found.lines.replace("cost = ", "return ", 1).replace(", reduction='mean'", "")
    found = formula(loss.price, settings)
    losses.add_all(found.needs)
    reduced = "(scale * cost).sum()" if "scale" in losses.task.given else "cost.mean()"
    return "\n".join([ERROR, found.lines, f"return {reduced}"])


def of_quantiles(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss of one quantile, or of several along the last axis."""
    several = not isinstance(loss.q, int | float)
    q = f"torch.tensor({list(loss.q)}, device=prediction.device)" if several else repr(loss.q)
    own = [] if "q" in moving else [f"q = {q}"]
    return "\n".join([*own, ERROR, formula(price_of_quantile, {}).lines, "return cost.mean()"])
