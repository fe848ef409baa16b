"""From a resolved `loss:` section to the objective it stands for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from piste.losses import Loss, catalogue
from piste.losses.arguments import number
from piste.losses.contract.subject import load_subject
from piste.objective.cycle import Cycle
from piste.objective.objective import Objective, Sequence
from piste.objective.phase import Phase, unplayable
from piste.objective.ramp import Ramp
from piste.objective.recipe.context import Part
from piste.objective.recipe.place import BESIDE, SEQUENCE, at
from piste.objective.recipe.weights import per_class
from piste.objective.relative_weighting import Relative
from piste.objective.sum import Sum
from piste.objective.terms import Term, terms_of
from piste.objective.uncertainty_weighting import Uncertainty
from piste.objective.vary import vary
from piste.objective.watch import Watch
from piste.objective.weighting import Weighed, Weighting

WEIGHTINGS: Mapping[str, Callable[..., Weighting]] = {"uncertainty": Uncertainty, "relative": Relative}
"""How the terms of a sum may be weighed, by name; without, by their `scale`."""


def build(
    resolved: Mapping[str, Any],
    *,
    activation: str,
    ignore_index: int | None = None,
    folder: Path = Path(),
    parts: Mapping[str, Part] | None = None,
) -> Objective:
    """The objective that a resolved `loss:` section stands for, at its beginning.

    Args:
        resolved: What `resolve` returned.
        activation: "softmax" or "sigmoid"; handed to every loss that reads scores.
        ignore_index: Targets of this value do not count; handed to every loss that has the keyword. None where
            targets are not class ids.
        folder: Where the files of custom losses are.
        parts: What the model predicts, by name, as given to `resolve`.

    Raises:
        ValueError: In one line, where and what. A resolved section builds, unless a file of it has changed or its
            weights still wait for counts.
    """
    return _Builder(activation, ignore_index, folder, parts or {}, classes=None).objective("loss", resolved)


def check_build(
    resolved: Mapping[str, Any], *, activation: str, classes: int, folder: Path, parts: Mapping[str, Part] | None
) -> None:
    """Hold a section to the rules of everything it builds; weights that wait for counts are taken to be 1."""
    _Builder(activation, None, folder, parts or {}, classes).objective("loss", resolved)


@dataclass(frozen=True)
class _Builder:
    """Builds each part of a section in its place; with `classes`, 1 stands in for weights that are not known yet."""

    activation: str
    ignore_index: int | None
    folder: Path
    parts: Mapping[str, Part]
    classes: int | None
    reduction: str = "mean"

    def objective(self, place: str, section: Mapping[str, Any]) -> Objective:
        if "cycle" in section:
            stages = self.stages(f"{place}.cycle.phases", section["cycle"]["phases"])
            with at(f"{place}.cycle"):
                return Cycle(*stages, times=section["cycle"]["times"])
        for key in SEQUENCE:
            if key in section:
                stages = self.stages(f"{place}.{key}", section[key])
                with at(f"{place}.{key}"):
                    return Sequence(*stages)
        weighed = self.together(place, section)
        return Sum(*weighed.terms) if weighed.weighting is None else Sequence(Phase(weighed))

    def stages(self, place: str, stages: Iterable[Mapping[str, Any]]) -> list[Objective | Phase]:
        return [
            self.phase(f"{place}[{i}]", stage) if "loss" in stage else self.objective(f"{place}[{i}]", stage)
            for i, stage in enumerate(stages)
        ]

    def phase(self, place: str, section: Mapping[str, Any]) -> Phase:
        weighed = self.together(f"{place}.loss", section["loss"])
        with at(place):
            return Phase(weighed, **{key: value for key, value in section.items() if key != "loss"})

    def together(self, place: str, section: Mapping[str, Any]) -> Weighed:
        if "sum" not in section:
            term = self.term(place, section)
            with at(place):
                return Weighed(_played((term,)), None)
        terms = tuple(self.term(f"{place}.sum[{i}]", term) for i, term in enumerate(section["sum"]))
        with at(f"{place}.sum"):
            terms = _played(Phase(terms).parts)  # holds them to the rules of a sum where the sum stands
        if "weighting" not in section:
            return Weighed(terms, None)
        ((name, settings),) = section["weighting"].items()
        with at(f"{place}.weighting.{name}"):
            return Weighed(terms, WEIGHTINGS[name](terms, **settings))

    def term(self, place: str, section: Mapping[str, Any]) -> Term:
        loss = section.get("watch", section)
        part = loss.get("part")
        if part is None:
            return self.whole(place, section)
        own = self.parts[part]
        builder = replace(self, activation=own.activation, reduction=own.reduction)
        if own.class_names is not None and self.classes is not None:
            builder = replace(builder, classes=len(own.class_names))
        name = next(key for key in loss if key not in BESIDE)
        return builder.whole(place, section).of_part(own.form(part, name))

    def whole(self, place: str, section: Mapping[str, Any]) -> Term:
        name = section.get("name")
        if "watch" in section:
            loss = self.loss(f"{place}.watch", section["watch"])
            with at(place):
                return Watch(loss, name=name).term
        loss, scale = self.loss(place, section), section.get("scale", 1.0)
        with at(f"{place}.scale"):
            factor = ramp_of(scale) if isinstance(scale, Mapping) else number("scale", scale, "a factor")
            (term,) = terms_of(loss)
            term = term.scaled(factor)
        with at(place):
            return term if name is None else term.called(name)

    def loss(self, place: str, section: Mapping[str, Any]) -> Callable[..., Tensor]:
        name = next(key for key in section if key not in BESIDE)
        place, keywords = f"{place}.{name}", section[name]
        with at(place):
            if name == "custom":
                return self.custom(keywords)
        moving: dict[str, Ramp] = {}
        fixed: dict[str, Any] = {}
        spec = catalogue()[name]
        for keyword, value in keywords.items():
            if per_class(keyword, spec.parameters[keyword].default) and isinstance(value, str | Mapping):
                fixed[keyword] = self.known(place, keyword, value)
            elif keyword == "loss":
                fixed[keyword] = replace(self, reduction="mean").loss(f"{place}.{keyword}", value)
            elif isinstance(value, Mapping):
                with at(f"{place}.{keyword}"):
                    moving[keyword] = ramp_of(value)
                    fixed[keyword] = moving[keyword].start
            else:
                fixed[keyword] = value
        decided = {"activation": self.activation, "ignore_index": self.ignore_index, "reduction": self.reduction}
        with at(place):
            loss = spec.cls(**fixed, **{key: value for key, value in decided.items() if key in spec.parameters})
            return vary(loss, **moving) if moving else loss

    def known(self, place: str, keyword: str, value: Any) -> list[float]:
        if self.classes is None:
            raise ValueError(
                f"{place}: `{keyword}` is still {value!r}: resolve the section with the counts of the "
                "training set, which it is made of."
            )
        return [1.0] * self.classes

    def custom(self, reference: str) -> Callable[..., Tensor]:
        loss = load_subject(str(self.folder / reference))
        reads = getattr(loss, "activation", self.activation) if isinstance(loss, Loss) else self.activation
        if reads != self.activation:
            raise ValueError(f"{reference} reads scores of {reads}, and the model's activation is {self.activation}.")
        return loss


def _played(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms, if each that asks for a discriminator has one that is trained."""
    if (why := unplayable(terms)) is not None:
        raise ValueError(why)
    return terms


def ramp_of(section: Mapping[str, Any]) -> Ramp:
    """The ramp that `{ramp: {from: …, to: …, epochs: …}}` stands for."""
    settings = dict(section["ramp"])
    return Ramp(settings.pop("from"), settings.pop("to"), **settings)
