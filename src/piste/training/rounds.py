"""What the steps of a discriminator measured, checked as the model's are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from piste.training.finite import require_finite_gradients, require_finite_loss
from piste.training.gradients import Norms
from piste.training.measure import Measure, Measured, bring


@dataclass(frozen=True)
class Round:
    """One step of the discriminator, or one batch of a validation.

    Args:
        batch: what the objective made of it for the discriminator.
        norms: its gradients; None in a validation, where there are none.
    """

    batch: Measured
    norms: Norms | None


@dataclass(frozen=True)
class Played:
    """A round in numbers; `norm` is that of its gradients, None in a validation."""

    round: Round
    measure: Measure
    norm: float | None


def bring_rounds(rounds: Sequence[Round]) -> list[Played]:
    """Rounds in numbers, in one transfer."""
    if not rounds:
        return []
    measures, totals = bring(
        [each.batch for each in rounds], [each.norms.total for each in rounds if each.norms], over_processes=True
    )
    norms = iter(totals)
    return [Played(r, m, next(norms) if r.norms else None) for r, m in zip(rounds, measures, strict=True)]


def require_finite_round(played: Played, module: nn.Module, where: str) -> None:
    """Refuses a round whose loss or gradients are not finite.

    Args:
        played: the round.
        module: the discriminator, in which the layer is looked for.
        where: the moment, for the message.

    Raises:
        FloatingPointError: names the term, the batch and the layer.
    """
    batch, norms = played.round.batch, played.round.norms
    require_finite_loss(played.measure, batch, module, where, "the discriminator's loss")
    if norms is not None and played.norm is not None:
        require_finite_gradients(played.norm, norms, batch.names, where)
