"""Phase: what is optimised for a while, and until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, final

import torch
from torch import Tensor, nn

from piste.losses.arguments import number, switch
from piste.objective.players import Match
from piste.objective.terms import Parted, Target, Term, TermValue, as_sum
from piste.objective.trigger import Trigger
from piste.objective.weighting import Weighed, as_weighing, weighed


@dataclass(frozen=True)
class PhaseState:
    """Where an objective stands.

    Args:
        index: Which of its phases, counted from 0 through all rounds.
        name: The phase's name.
        epoch_in_phase: How many epochs of it have ended.
    """

    index: int
    name: str
    epoch_in_phase: int


@final
class Phase(nn.Module):
    """A loss or a sum of losses that is optimised for a while.

    It lasts `epochs` epochs, or until a validation metric fulfils a condition; with neither it lasts for ever.

    Args:
        loss: A loss, a sum of losses, or any function or module that is called like one.
        epochs: How long it lasts; >= 1.
        until: The condition that ends it, judged at the end of each epoch: `metric op number [for k epochs]`.
        at_most: With `until`: the epochs after which it ends all the same; >= 1. None to wait for ever.
        lr: Factor of the learning rate while the phase lasts; > 0.
        reset_optimizer: Whether the optimizer should forget its state when the phase begins.
        name: What the phase is called; None for the names of its terms.

    Example:
        >>> from piste.losses import Dice
        >>> Phase(Dice(), until="recall >= 0.9", at_most=6)
        Phase(Dice(), until='recall >= 0.9', at_most=6)
    """

    def __init__(
        self,
        loss: Any,
        *,
        epochs: int | None = None,
        until: str | Trigger | None = None,
        at_most: int | None = None,
        lr: float = 1.0,
        reset_optimizer: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__()
        if epochs is not None and until is not None:
            raise ValueError(
                f"`epochs` and `until` exclude each other; got {epochs} and {str(until)!r}. "
                "To end at the latest after some epochs, give `until` and `at_most`."
            )
        if at_most is not None and until is None:
            raise ValueError(f"`at_most` bounds a phase that has `until`; got {at_most} alone. Its length is `epochs`.")
        self.epochs = _count("epochs", epochs)
        self.at_most = _count("at_most", at_most)
        self.until = until if until is None or isinstance(until, Trigger) else Trigger.parse(until)
        self.lr = number("lr", lr, "a factor of the learning rate", above=0.0)
        self.reset_optimizer = switch("reset_optimizer", reset_optimizer)
        terms, self.weighting = weighed(loss)
        optimised = [term.name for term in terms if not term.watched]
        if not optimised:
            raise ValueError(f"nothing is optimised where every loss is only watched; got {as_sum(terms)}.")
        if name is not None and not (isinstance(name, str) and name.strip()):
            raise ValueError(f"`name` of a phase must be a text; got {name!r}.")
        self.given_name = name
        self.name = " + ".join(optimised) if name is None else name
        self.terms = nn.ModuleList(terms)
        self._unplayable = unplayable(terms)  # as it may be while a sum is being written: 2 * GradientPenalty() + …

    def forward(
        self,
        epoch: int,
        prediction: Tensor | Parted,
        target: Target | Parted,
        *,
        mask: Tensor | Parted | None = None,
        sample_weight: Tensor | Parted | None = None,
    ) -> tuple[Tensor, dict[str, TermValue]]:
        """The total to minimise in an epoch of this phase, 0-d, and what each term came to."""
        if self._unplayable is not None:
            raise ValueError(self._unplayable)
        total: Tensor | None = None
        values: dict[str, TermValue] = {}
        for term in self.parts:
            if term.game == "discriminator":
                continue
            added, value = term(epoch, prediction, target, mask, sample_weight)
            if added is not None:
                if self.weighting is not None:
                    added, value = self.weighting(term.name, added, value)
                total = added if total is None else total + added
            values[term.name] = value
        if total is None:  # every ramp stands at 0
            outputs = prediction.values() if isinstance(prediction, Mapping) else [prediction]
            total = torch.stack([(0.0 * output).sum() for output in outputs if isinstance(output, Tensor)]).sum()
        return total, values

    def auxiliary(
        self,
        values: Mapping[str, TermValue],
        predictions: Iterable[tuple[float, Tensor | Parted]],
        target: Target | Parted,
        *,
        mask: Tensor | Parted | None = None,
        sample_weight: Tensor | Parted | None = None,
    ) -> tuple[Tensor, TermValue]:
        """What further predictions of the target add to the total, and what to report of it: their mean loss.

        Each is priced by the terms that optimise the main one, and with the factors that these have there, however
        they are weighed; what only watches, or asks for a discriminator, leaves it out.

        Args:
            values: What each term came to for the main prediction.
            predictions: Each after its factor, > 0.
            target: As for the main prediction.
            mask: The same.
            sample_weight: The same.
        """
        terms = [term for term in self.parts if term.game == "none"]  # what is watched has the factor 0
        optimised = [(term, values[term.name].factor) for term in terms]
        counted = [pair for pair in optimised if isinstance(pair[1], Tensor) or pair[1] > 0]
        whole, total = 0.0, torch.zeros_like(next(iter(values.values())).raw)
        for share, prediction in predictions:
            whole += share
            for term, factor in counted:
                total = total + share * term.at(factor, prediction, target, mask, sample_weight)
        weighted = total.detach()
        return total, TermValue(weighted / whole, whole, weighted)

    def for_discriminator(self, epoch: int, match: Match) -> tuple[Tensor, dict[str, TermValue]]:
        """The total that the discriminator minimises in an epoch of this phase, 0-d, and what each term came to."""
        total = torch.zeros((), device=match.fake_scores.device)
        values: dict[str, TermValue] = {}
        for term in self.parts:
            if term.game != "none":
                added, values[term.name] = term.for_discriminator(epoch, match)
                total = total if added is None else total + added
        return total, values

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator takes part."""
        return any(term.game != "none" for term in self.parts)

    @property
    def parts(self) -> tuple[Term, ...]:
        """Its terms."""
        return tuple(cast(Term, term) for term in self.terms)

    @property
    def weighed(self) -> Weighed:
        """Its terms, and how they are weighed."""
        return Weighed(self.parts, self.weighting)

    @property
    def endless(self) -> bool:
        """Whether nothing but the end of training ends it."""
        return self.epochs is None and self.until is None

    def over(self, epochs: int, row: int, metrics: Mapping[str, float]) -> str | None:
        """Why the phase ends now, or None if it goes on.

        Args:
            epochs: How many epochs of it have ended.
            row: In how many of the last ones, one after the other, the condition held.
            metrics: The validation metrics of the last one.
        """
        if self.epochs is not None and epochs >= self.epochs:
            return f"after {epochs} epoch{'s' if epochs > 1 else ''}"
        if self.until is not None:
            value = metrics[self.until.metric]
            if row >= self.until.epochs:
                return self.until.reason(value)
            if self.at_most is not None and epochs >= self.at_most:
                return f"at_most {self.at_most} reached before {self.until}; {self.until.metric} is {value:.3g}"
        return None

    def __repr__(self) -> str:
        given = [as_sum(self.parts) if self.weighting is None else as_weighing(self.parts, self.weighting)]
        given += [f"epochs={self.epochs}"] if self.epochs is not None else []
        given += [f"until={str(self.until)!r}"] if self.until is not None else []
        given += [f"at_most={self.at_most}"] if self.at_most is not None else []
        given += [f"lr={self.lr}"] if self.lr != 1.0 else []
        given += ["reset_optimizer=True"] if self.reset_optimizer else []
        given += [f"name={self.given_name!r}"] if self.given_name is not None else []
        return f"Phase({', '.join(given)})"


def unplayable(terms: Iterable[Term]) -> str | None:
    """Why terms that ask for a discriminator have none that is trained; None if all is well."""
    terms = tuple(terms)
    if any(term.game == "both" and not term.watched for term in terms):
        return None
    for term in terms:
        if term.game == "discriminator":
            return (
                f"`{term.name}` is what the discriminator pays, and nothing sets it against the model here: add an "
                "adversarial loss, such as wasserstein."
            )
        if term.game == "both":
            return (
                f"`{term.name}` is only watched, and reads the scores of a discriminator that nothing trains here: "
                "optimise an adversarial loss beside it."
            )
    return None


def _count(name: str, epochs: int | None) -> int | None:
    """A whole number of epochs >= 1, or None."""
    if epochs is not None and (not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1):
        raise ValueError(f"`{name}` of a phase must be a whole number of epochs >= 1; got {epochs!r}.")
    return epochs
