"""Relative weighting: sum_i loss_i / m_i, with m_i the running mean of a term's size."""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.objective.objective import Objective
from piste.objective.phase import Phase
from piste.objective.sum import named_terms
from piste.objective.terms import TermValue, terms_of
from piste.objective.weighting import Weighed, Weighting, weighed

MOMENTUM = 0.99
FLOOR = 1e-4


@final
class Relative(Weighting):
    """The running mean of each term's size; only calls that are differentiated move it.

    Args:
        terms: The terms of the phase.
        momentum: As in `RelativeWeighting`.
        floor: As in `RelativeWeighting`.
    """

    mean: Tensor
    """Running mean of each term's size, [terms], that began at 0."""

    share: Tensor
    """How much of each mean is of sizes that were seen, [terms]: what it has to be divided by."""

    def __init__(self, terms: tuple[Any, ...], *, momentum: float = MOMENTUM, floor: float = FLOOR) -> None:
        super().__init__(terms)
        self.momentum = number("momentum", momentum, "a share", low=0.0, high=0.9999)
        self.floor = number("floor", floor, "a size of loss", above=0.0)
        self.register_buffer("mean", torch.zeros(len(self.place)))
        self.register_buffer("share", torch.zeros(len(self.place)))

    def forward(self, name: str, added: Tensor, value: TermValue) -> tuple[Tensor, TermValue]:
        """The term over its mean."""
        size = value.raw.abs().to(self.mean.dtype)
        mean, share = self.mean[self.place[name]], self.share[self.place[name]]
        if torch.is_grad_enabled():
            mean.lerp_(size, 1 - self.momentum)
            share.lerp_(torch.ones_like(share), 1 - self.momentum)
        seen = torch.where(share > 0, mean / share, size)  # before the first step there is only this one
        divisor = seen.clamp(min=self.floor).to(added.dtype)
        weighted = added / divisor
        return weighted, TermValue(value.raw, value.factor / divisor, weighted.detach())

    @property
    def call(self) -> tuple[str, Mapping[str, float]]:
        """The objective that weighs so."""
        settings = {"momentum": (self.momentum, MOMENTUM), "floor": (self.floor, FLOOR)}
        return "RelativeWeighting", {name: given for name, (given, default) in settings.items() if given != default}


@final
class RelativeWeighting(Objective):
    """Losses of which each is divided by its running mean, so that all pull alike whatever their units.

    Each term stays near its own factor, 1 if it has none, so the total says little of progress: read `terms` or the
    metrics. Of terms that may be below 0 the size is taken. A mean moves in calls that are differentiated, not in
    validation, and is part of `state_dict`. It needs none of the gradients' norms, and costs next to nothing.

    Args:
        *losses: As in `Sum`; two or more.
        momentum: Share of the old mean that each call keeps, in [0, 0.9999]. Raising it makes the weights steadier
            and slower; at 0 every term adds exactly its factor, and only its direction counts.
        floor: Smallest mean that is divided by, > 0. Below it a term counts less and less; raising it keeps a term
            that is all but solved from pulling as hard as ever.
        **named: The same, each a single term, under names of your own.

    Raises:
        ValueError: A setting breaks its rule, or there are not two losses.

    Example:
        >>> import torch
        >>> from piste.losses import AbsoluteError, SquaredError
        >>> objective = RelativeWeighting(SquaredError(), AbsoluteError())
        >>> objective(torch.tensor([30.0], requires_grad=True), torch.zeros(1)).item()  # 900 / 900 + 30 / 30
        2.0
    """

    def __init__(self, *losses: Any, momentum: float = MOMENTUM, floor: float = FLOOR, **named_losses: Any) -> None:
        terms = named_terms(losses, named_losses)
        super().__init__(Phase(Weighed(terms, Relative(terms, momentum=momentum, floor=floor))))

    def __repr__(self) -> str:
        return repr(self._current).removeprefix("Phase(").removesuffix(")")


@weighed.register
def _(thing: RelativeWeighting) -> Weighed:
    return thing.order[0].weighed


@terms_of.register
def _(thing: RelativeWeighting) -> Any:
    raise ValueError(f"weighed losses cannot be part of a sum; got {thing!r}. Add the loss to those that it weighs.")
