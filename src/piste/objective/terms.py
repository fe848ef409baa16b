"""Terms: what an objective adds up in one epoch, each with its name, its factor and its value."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, final

import torch
from torch import Tensor, nn

from piste.losses.arguments import number
from piste.objective.naming import name_of, unique_names
from piste.objective.players import Match, game_of, price_for_model
from piste.objective.ramp import Ramp

Target = Tensor | Mapping[str, Tensor]
"""Labels or values; or these by the name of "labels", beside what some losses read besides."""

Parted = Mapping[str, Any]
"""What a model of several outputs has for each of its parts, by the part's name."""


@dataclass(frozen=True)
class TermValue:
    """What a term came to in one call; tensors are 0-d, detached and on the device of the loss.

    Args:
        raw: The loss itself.
        factor: What it is multiplied by in this epoch, a 0-d tensor where that is learned or follows the loss; 0 for a
            term that is watched.
        weighted: What it adds to the objective; 0, whatever `raw` is, for a term that is watched.
    """

    raw: Tensor
    factor: float | Tensor
    weighted: Tensor


@final
class Term(nn.Module):
    """A loss in an objective: its name, its factor, and its keywords that move.

    Args:
        loss: A module or function `(prediction, target)` that returns a 0-d tensor; `mask` and `sample_weight` are
            handed on where they are given. Of a target that is given by name it gets the "labels", and whatever
            else its call names (`iou`, `logit_lengths`); or the whole mapping if it says what it `reads` beside them.
        factor: What the loss is multiplied by: a number > 0, or a ramp that is nowhere below 0.
        name: What the term is called; None for the name of the loss.
        moving: Ramps of the loss's keywords. The loss is then this term's own, because it is changed.
        watched: Whether the loss is only computed, and neither added nor differentiated.
        part: Which part of a prediction by parts it prices, such as "box"; None where the prediction is one.

    Attributes:
        game: Who pays for it: "none" of the discriminator's business, "both", or the "discriminator" alone.
    """

    def __init__(
        self,
        loss: Callable[..., Tensor],
        factor: float | Ramp = 1.0,
        *,
        name: str | None = None,
        moving: Mapping[str, Ramp] | None = None,
        watched: bool = False,
        part: str | None = None,
    ) -> None:
        super().__init__()
        if getattr(loss, "reduction", "mean") == "none":
            raise ValueError(f'`reduction` of a term must be "mean" or "sum", so that it is one number; got {loss!r}.')
        if name is not None and not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"`name` of a term must be letters, digits and _, and start with a letter; got {name!r}.")
        self.loss = loss
        self.factor = _priced(factor)
        self.given_name = name
        self.name = name or name_of(loss)
        self.moving = dict(moving or {})
        self.watched = watched
        self.part = part
        self.game = game_of(loss)
        self._takes = _keywords(price_for_model(loss))
        self._reads = tuple(getattr(price_for_model(loss), "reads", ()))

    def scaled(self, factor: float | Ramp) -> "Term":
        """The same term at a multiple of its factor."""
        if isinstance(factor, float) and factor == 1.0:
            return self
        if self.watched:
            raise ValueError(f"a watched term has no factor: `{self.name}` is computed and never added; got {factor}.")
        if isinstance(factor, Ramp) and isinstance(self.factor, Ramp):
            raise ValueError(f"a term carries one ramp; `{self.name}` has {self.factor} and would get {factor}.")
        return self._but(factor=factor * self.factor)

    def called(self, name: str) -> "Term":
        """The same term under a name given by the user."""
        return self._but(name=name)

    def of_part(self, part: str) -> "Term":
        """The same term for one part of a prediction by parts."""
        return self._but(part=part)

    def numbered(self, name: str) -> "Term":
        """The same term under a name that sets it apart from its neighbours; in another sum it may get another."""
        term = self._but(name=None)
        term.name = name
        return term

    def _but(self, **changes: Any) -> "Term":
        """The same term, changed."""
        own = {"factor": self.factor, "name": self.given_name, "moving": self.moving}
        return Term(self.loss, **(own | {"watched": self.watched, "part": self.part} | changes))

    def forward(
        self,
        epoch: int,
        prediction: Tensor | Parted,
        target: Target | Parted,
        mask: Tensor | Parted | None,
        sample_weight: Tensor | Parted | None,
    ) -> tuple[Tensor | None, TermValue]:
        """What to add to the objective in this epoch of the phase, None for nothing, and what to report."""
        prediction, target, call = self.inputs(prediction, target, mask, sample_weight)
        price = price_for_model(self.loss)
        return self._valued(epoch, self._factor_in(epoch), lambda: price(prediction, target, **call))

    def at(
        self,
        factor: float | Tensor,
        prediction: Tensor | Parted,
        target: Target | Parted,
        mask: Tensor | Parted | None,
        sample_weight: Tensor | Parted | None,
    ) -> Tensor:
        """The loss of another prediction times a factor, with the keywords as the last call set them."""
        prediction, target, call = self.inputs(prediction, target, mask, sample_weight)
        return factor * self._one_number(price_for_model(self.loss)(prediction, target, **call))

    def for_discriminator(self, epoch: int, match: Match) -> tuple[Tensor | None, TermValue]:
        """What the discriminator pays in this epoch of the phase, None for nothing, and what to report.

        Of a game it pays the whole, whatever the factor: that says what the game counts beside the model's other
        losses, and is not to make the discriminator learn slowly, or a penalty count more.
        """
        factor = 1.0 if self.game == "both" else self._factor_in(epoch)
        return self._valued(epoch, factor, lambda: match.price(self.loss))

    def _factor_in(self, epoch: int) -> float:
        return self.factor.at(epoch) if isinstance(self.factor, Ramp) else self.factor

    def _valued(self, epoch: int, factor: float, price: Callable[[], Tensor]) -> tuple[Tensor | None, TermValue]:
        """A price with its factor, computed without gradients where it adds nothing."""
        for keyword, ramp in self.moving.items():
            setattr(self.loss, keyword, ramp.at(epoch))
        if self.watched or factor == 0:
            with torch.no_grad():
                raw = self._one_number(price()).detach()
            return None, TermValue(raw, 0.0, torch.zeros_like(raw))
        raw = self._one_number(price())
        weighted = factor * raw
        return weighted, TermValue(raw.detach(), factor, weighted.detach())

    def inputs(
        self,
        prediction: Tensor | Parted,
        target: Target | Parted,
        mask: Tensor | Parted | None = None,
        sample_weight: Tensor | Parted | None = None,
    ) -> tuple[Tensor, Target, dict[str, Tensor]]:
        """What the loss is called with: a prediction, a target and keywords.

        Raises:
            ValueError: Something that the loss asks for is missing, or it takes no mask or weight that was given.
        """
        common = {"mask": self._mine("mask", mask), "sample_weight": self._mine("sample_weight", sample_weight)}
        mine, asked = self._mine("prediction", prediction), self._mine("target", target)
        if not isinstance(asked, Mapping):
            return mine, asked, self._accepted(common)
        call = self._accepted({name: asked.get(name) if each is None else each for name, each in common.items()})
        needed = (*(self._reads or ("labels",)), *self._takes.required)
        for name in needed:
            if name not in asked and name not in call:
                raise ValueError(
                    f"`target` must have {name!r} for the term `{self.name}`; it has {', '.join(map(repr, asked))}."
                )
        call |= {name: asked[name] for name in self._takes.named if name in asked}
        return mine, asked if self._reads else asked.get(self._takes.second, asked["labels"]), call

    def _mine(self, what: str, given: Any) -> Any:
        """What is given for this term's part of the prediction."""
        if self.part is None or given is None:
            return given
        if not isinstance(given, Mapping) or self.part not in given:
            came = ", ".join(map(repr, given)) if isinstance(given, Mapping) else "a single one"
            raise ValueError(f"`{what}` must have the part {self.part!r} for the term `{self.name}`; got {came}.")
        return given[self.part]

    def _accepted(self, call: Mapping[str, Tensor | None]) -> dict[str, Tensor]:
        given = {keyword: value for keyword, value in call.items() if value is not None}
        for keyword in given:
            if not (self._takes.anything or keyword in self._takes.named):
                raise ValueError(
                    f"`{keyword}` was given, but the term `{self.name}` takes none, and would count what "
                    f"the others leave out: add a keyword `{keyword}` to its signature."
                )
        return given

    def _one_number(self, raw: Any) -> Tensor:
        if not isinstance(raw, Tensor) or raw.ndim != 0:
            came = f"shape {tuple(raw.shape)}" if isinstance(raw, Tensor) else repr(raw)
            raise ValueError(f"the term `{self.name}` must return a 0-d tensor; got {came}.")
        return raw

    def __repr__(self) -> str:
        shown = repr(self.loss) if isinstance(self.loss, nn.Module) else name_of(self.loss)
        if self.moving:
            shown = f"vary({shown}, {', '.join(f'{keyword}={ramp}' for keyword, ramp in self.moving.items())})"
        if self.watched:
            return f"Watch({shown})"
        return shown if self.factor == 1.0 else f"{self.factor} * {shown}"


@singledispatch
def terms_of(thing: Any) -> tuple[Term, ...]:
    """The terms that something stands for: a loss for one, a sum for several."""
    if not callable(thing):
        raise ValueError(f"an objective is made of losses, sums and watched losses; got {thing!r}.")
    return (Term(thing),)


@terms_of.register
def _(thing: Term) -> tuple[Term, ...]:
    return (thing,)


@terms_of.register
def _(thing: tuple) -> tuple[Term, ...]:  # type: ignore[type-arg]  # singledispatch reads the annotation
    return tuple(term for part in thing for term in terms_of(part))


def uniquely_named(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms under names that differ."""
    terms = tuple(terms)
    names = unique_names([(term.given_name, name_of(term.loss)) for term in terms])
    pairs = zip(terms, names, strict=True)
    return tuple(term if term.given_name is not None else term.numbered(name) for term, name in pairs)


def as_sum(terms: Iterable[Term]) -> str:
    """The terms as the call that adds them up."""
    terms = tuple(terms)
    if len(terms) == 1 and terms[0].given_name is None:
        return repr(terms[0])
    unnamed = [repr(term) for term in terms if term.given_name is None]
    return f"Sum({', '.join(unnamed + [f'{term.name}={term!r}' for term in terms if term.given_name is not None])})"


def _priced(factor: float | Ramp) -> float | Ramp:
    """A factor that lets a term count."""
    if isinstance(factor, Ramp):
        if min(factor.start, factor.end) < 0 or max(factor.start, factor.end) == 0:
            raise ValueError(f"the factor of a term must not fall below 0 nor be 0 throughout; got {factor}.")
        return factor
    if factor == 0:
        raise ValueError("the factor of a term must be > 0; got 0. To compute a loss without adding it, watch it.")
    return number("factor", factor, "what a loss is multiplied by", above=0.0)


@dataclass(frozen=True)
class _Keywords:
    """What a call takes besides a prediction and a target.

    Args:
        second: What it calls what stands after the prediction: "target", unless something else is asked for there.
        named: Its keywords.
        required: Those of them without a default.
        anything: Whether it takes any keyword, or doesn't say.
    """

    second: str
    named: frozenset[str]
    required: tuple[str, ...]
    anything: bool


def _keywords(loss: Callable[..., Any]) -> _Keywords:
    """What a call of the loss takes besides a prediction and a target."""
    try:
        parameters = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss).parameters
    except (TypeError, ValueError):
        return _Keywords("target", frozenset(), (), anything=True)
    packed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    beside = [parameter for parameter in list(parameters.values())[2:] if parameter.kind not in packed]
    return _Keywords(
        second=next(iter(list(parameters)[1:2]), "target"),
        named=frozenset(parameter.name for parameter in beside),
        required=tuple(parameter.name for parameter in beside if parameter.default is inspect.Parameter.empty),
        anything=any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()),
    )
