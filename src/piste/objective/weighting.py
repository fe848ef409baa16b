"""Weightings: terms that are priced against each other by what they come to, instead of by factors set by hand."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any, NamedTuple

from torch import Tensor, nn

from piste.objective.terms import Term, TermValue, terms_of, uniquely_named


class Weighting(nn.Module, ABC):
    """What each optimised term of a phase is multiplied by, on top of its own factor.

    Args:
        terms: The terms of the phase, under names that differ.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        super().__init__()
        names = [term.name for term in terms if not term.watched and term.game != "discriminator"]
        if len(names) < 2:
            raise ValueError(f"a weighting needs two losses or more, to weigh against each other; got {names}.")
        self.place = {name: i for i, name in enumerate(names)}

    @abstractmethod
    def forward(self, name: str, added: Tensor, value: TermValue) -> tuple[Tensor, TermValue]:
        """What a term adds to the objective, and what to report of it.

        Args:
            name: The term's.
            added: What it would add without the weighting, 0-d.
            value: What would be reported of it.
        """

    @property
    @abstractmethod
    def call(self) -> tuple[str, Mapping[str, float]]:
        """The objective that weighs so, and those of its settings that are not as by default."""


class Weighed(NamedTuple):
    """Terms, and how they are weighed; None for by their factors alone."""

    terms: tuple[Term, ...]
    weighting: Weighting | None


@singledispatch
def weighed(thing: Any) -> Weighed:
    """The terms that something stands for, under names that differ, and how they are weighed."""
    return Weighed(uniquely_named(terms_of(thing)), None)


@weighed.register
def _(thing: Weighed) -> Weighed:
    return thing


def as_weighing(terms: Iterable[Term], weighting: Weighting) -> str:
    """Weighed terms as the call that weighs them."""
    terms = tuple(terms)
    called, settings = weighting.call
    parts = [repr(term) for term in terms if term.given_name is None]
    parts += [f"{term.name}={term!r}" for term in terms if term.given_name is not None]
    return f"{called}({', '.join([*parts, *(f'{name}={value!r}' for name, value in settings.items())])})"
