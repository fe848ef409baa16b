"""Losses of lines of text as code: the price of what torch's CTC finds, and its mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.training.script.source import formula

if TYPE_CHECKING:
    from piste.training.script.losses import Losses


def of_lines(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that prices -ln p of each line."""
    arguments = ["log_probs", "target", "logit_lengths", "target_lengths"]
    arguments += [f"blank={loss.blank}"] if loss.blank else []
    arguments += ['reduction="none"', *(["zero_infinity=True"] if loss.impossible == "zero" else [])]
    price = formula(loss.price, losses.settings(loss, moving))
    losses.add_all(price.needs)
    lines = [
        "log_probs = F.log_softmax(logits, 2).transpose(0, 1)",
        f"cost = F.ctc_loss({', '.join(arguments)})",
        *([price.lines] if price.lines != "cost = cost" else []),
        *(["cost = cost / target_lengths.to(cost).clamp(min=1)"] if loss.per_character else []),
        "return cost.mean()",
    ]
    return "\n".join(lines)
