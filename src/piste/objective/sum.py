"""Sum: losses that are priced together, each with its factor."""

from collections.abc import Mapping
from typing import Any, final

from piste.losses.base import Loss
from piste.objective.objective import Objective
from piste.objective.phase import Phase
from piste.objective.ramp import Ramp
from piste.objective.terms import Term, as_sum, terms_of, uniquely_named


@final
class Sum(Objective):
    """Losses that are added up, for as long as training lasts.

    `loss + loss`, `number * loss` and `Ramp(…) * loss` make one. Terms are called after their losses (dice, dice_2),
    or by the keywords they are given as.

    Args:
        *losses: Losses, sums, watched losses, or any functions or modules that are called like a loss.
        **named_losses: The same, each a single term, under names of your own.

    Example:
        >>> from piste.losses import CrossEntropy, Dice
        >>> CrossEntropy() + 0.5 * Dice()
        Sum(CrossEntropy(), 0.5 * Dice())
        >>> Sum(CrossEntropy(), overlap=0.5 * Dice()).phase.name
        'cross_entropy + overlap'
    """

    def __init__(self, *losses: Any, **named_losses: Any) -> None:
        super().__init__(Phase(named_terms(losses, named_losses)))

    @property
    def parts(self) -> tuple[Term, ...]:
        """Its terms."""
        return self._current.parts

    def __add__(self, other: Any) -> "Sum":
        return Sum(self, other)

    def __radd__(self, other: Any) -> "Sum":
        return Sum(other, self)

    def __mul__(self, factor: Any) -> "Sum":
        if not isinstance(factor, int | float | Ramp):
            return NotImplemented
        return Sum(*(term.scaled(factor) for term in self.parts))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        shown = as_sum(self.parts)
        return shown if shown.startswith("Sum(") else f"Sum({shown})"


@terms_of.register
def _(thing: Sum) -> tuple[Term, ...]:
    return thing.parts


def named_terms(losses: tuple[Any, ...], named_losses: Mapping[str, Any]) -> tuple[Term, ...]:
    """The terms that losses stand for, some of them under names given by the user; all names differ."""
    terms = [term for loss in losses for term in terms_of(loss)]
    terms += [_only(name, terms_of(loss)).called(name) for name, loss in named_losses.items()]
    return uniquely_named(terms)


def _only(name: str, terms: tuple[Term, ...]) -> Term:
    """The one term that a name can stand for."""
    if len(terms) != 1:
        raise ValueError(f"`{name}` names a single term; got a sum of {len(terms)}: name each of them.")
    return terms[0]


def _combine(terms: tuple[tuple[float | Ramp, Any], ...]) -> Sum:
    """What the operators of losses make."""
    return Sum(*(term.scaled(factor) for factor, thing in terms for term in terms_of(thing)))


Loss.combine = staticmethod(_combine)
