"""Uncertainty weighting: sum_i exp(-s_i) loss_i + s_i / 2, with s_i the learned logarithm of a term's variance."""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from piste.objective.objective import Objective
from piste.objective.phase import Phase
from piste.objective.sum import named_terms
from piste.objective.terms import TermValue, terms_of
from piste.objective.weighting import Weighed, Weighting, weighed


@final
class Uncertainty(Weighting):
    """A learned variance for each term.

    Args:
        terms: The terms of the phase.
    """

    def __init__(self, terms: tuple[Any, ...]) -> None:
        super().__init__(terms)
        self.log_variance = nn.Parameter(torch.zeros(len(self.place)))

    def forward(self, name: str, added: Tensor, value: TermValue) -> tuple[Tensor, TermValue]:
        """The term over its variance, and half the variance's logarithm."""
        log_variance = self.log_variance[self.place[name]].to(added.dtype)
        precision = torch.exp(-log_variance)
        weighted = precision * added + log_variance / 2
        return weighted, TermValue(value.raw, precision.detach() * value.factor, weighted.detach())

    @property
    def call(self) -> tuple[str, Mapping[str, float]]:
        """The objective that weighs so."""
        return "UncertaintyWeighting", {}


@final
class UncertaintyWeighting(Objective):
    """Losses of which each is divided by a variance that training learns: what is noisy or large counts less.

    The variances are parameters: give `objective.parameters()` to the optimizer beside the model's, without weight
    decay; at first all are 1. A term's best variance is twice its loss, which then counts 1/2; the total may
    fall below 0 as losses do below 1. For a squared error the paper has half of it, `0.5 * SquaredError()`;
    for cross-entropy it stands as it is. Terms must be >= 0 to have a best variance.

    Args:
        *losses: As in `Sum`; two or more.
        **named: The same, each a single term, under names of your own.

    Source: Kendall, Gal, Cipolla 2018, arXiv:1705.07115, eq. 7 and 10.

    Example:
        >>> from piste.losses import CrossEntropy, Dice
        >>> objective = UncertaintyWeighting(CrossEntropy(), Dice())
        >>> objective
        UncertaintyWeighting(CrossEntropy(), Dice())
        >>> [parameter.tolist() for parameter in objective.parameters()]
        [[0.0, 0.0]]
    """

    def __init__(self, *losses: Any, **named_losses: Any) -> None:
        terms = named_terms(losses, named_losses)
        super().__init__(Phase(Weighed(terms, Uncertainty(terms))))

    def __repr__(self) -> str:
        return repr(self._current).removeprefix("Phase(").removesuffix(")")


@weighed.register
def _(thing: UncertaintyWeighting) -> Weighed:
    return thing.order[0].weighed


@terms_of.register
def _(thing: UncertaintyWeighting) -> Any:
    raise ValueError(f"weighed losses cannot be part of a sum; got {thing!r}. Add the loss to those that it weighs.")
