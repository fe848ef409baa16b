"""Watch: a loss that is computed and shown beside those that are optimised."""

from collections.abc import Callable
from typing import Any, final

from torch import Tensor

from piste.losses.base import Loss
from piste.objective.terms import Term, terms_of


@final
class Watch:
    """A loss that is computed in each call and never optimised.

    It is added to an objective like any loss, `CrossEntropy() + Watch(Dice())`, and shows up in `terms` with its raw
    value and a factor of 0. It is computed without gradients and left out of the total, so that not even a NaN of
    its own reaches training.

    Args:
        loss: What to compute: a loss, or any function or module that is called like one.
        name: What the term is called; None for the name of the loss.
    """

    def __init__(self, loss: Callable[..., Tensor], *, name: str | None = None) -> None:
        terms = terms_of(loss)
        if len(terms) != 1 or terms[0].watched:
            raise ValueError(f"`loss` of a watched term must be one loss; got {loss!r}.")
        self.term = Term(terms[0].loss, name=name or terms[0].given_name, moving=terms[0].moving, watched=True)

    def __add__(self, other: Any) -> Any:
        return Loss.combine(((1.0, self), (1.0, other)))

    def __radd__(self, other: Any) -> Any:
        return Loss.combine(((1.0, other), (1.0, self)))

    def __repr__(self) -> str:
        return repr(self.term)


@terms_of.register
def _(thing: Watch) -> tuple[Term, ...]:
    return (thing.term,)
