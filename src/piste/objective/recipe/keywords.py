"""The keywords of a loss in a recipe: those it has, with their defaults, weights made and class names found."""

from collections.abc import Mapping
from typing import Any

from piste.losses import LossSpec, catalogue
from piste.names import nearest
from piste.objective.recipe.context import Context
from piste.objective.recipe.place import at, mapping, number_in
from piste.objective.recipe.weights import per_class, resolve_weights

DECIDED: Mapping[str, str] = {
    "activation": "it is the model's: set model.activation",
    "ignore_index": "it is the data's: pixels to ignore are named there",
    "reduction": "it is the mean here; a factor is `scale`",
    "blank": "it is the task's: class 0, before those of the alphabet",
}
"""Keywords that a recipe does not set at a loss, and who decides them."""

RAMP = ("from", "to", "epochs", "shape", "steps")


def spec_for(place: str, name: str, context: Context) -> LossSpec:
    """The loss of that name, if it suits the task and the model's activation.

    Raises:
        ValueError: There is none, or it does not suit.
    """
    known = catalogue()
    if name not in known:
        raise ValueError(f"{place}: no loss is called {name!r}; {nearest(name, known)}.")
    for_task = {other for other, spec in known.items() if context.suits(other, spec.tasks)}
    if name not in for_task:
        raise ValueError(f"{place}: `{name}` does not suit {context.priced}; these do: {', '.join(sorted(for_task))}.")
    spec = known[name]
    inside = "loss" in spec.parameters  # then it is the loss inside that reads scores
    if not inside and spec.activations and context.activation not in spec.activations:
        fit = sorted(other for other in for_task if context.activation in known[other].activations)
        raise ValueError(
            f"{place}: `{name}` reads scores of {' or '.join(spec.activations)}, and the model's activation is "
            f"{context.activation}; these suit it: {', '.join(fit)}; or set model.activation={spec.activations[0]}."
        )
    return spec


def settable(spec: LossSpec) -> dict[str, Any]:
    """The keywords of a loss that a recipe sets, with their defaults."""
    return {name: parameter.default for name, parameter in spec.parameters.items() if name not in DECIDED}


def resolve_keywords(place: str, spec: LossSpec, given: Any, context: Context) -> dict[str, Any]:
    """Every keyword of a loss that a recipe can set, given or by default.

    Raises:
        ValueError: A keyword that the loss does not have or that is decided elsewhere, or weights that do not fit.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise ValueError(f"{place}: the keywords of a loss are a mapping, such as {{smooth: 1.0}}; got {given!r}.")
    known = settable(spec)
    for keyword in given:
        if keyword in DECIDED:
            raise ValueError(f"{place}: `{keyword}` is not set at a loss: {DECIDED[keyword]}.")
        if keyword not in known:
            raise ValueError(f"{place}: `{spec.name}` has no keyword {keyword!r}; {nearest(str(keyword), known)}.")
    resolved: dict[str, Any] = {}
    for keyword, default in known.items():
        value = given.get(keyword, default)
        if per_class(keyword, default) and value is not None and value is not default:
            value = resolve_weights(place, keyword, value, context)
        elif keyword == "classes":
            value = _class_ids(place, value, context)
        elif keyword == "loss":
            value = _inner(f"{place}.{keyword}", "cross_entropy" if value is None else value, context)
        elif isinstance(value, Mapping):
            if isinstance(default, bool | str):
                raise ValueError(f"{place}: `{keyword}` is no number, so it cannot move; got {dict(value)!r}.")
            value = resolve_ramp(f"{place}.{keyword}", value)
        resolved[keyword] = number_in(value)
    if (
        resolved.get("weight") is not None
        and isinstance(resolved.get("classes"), list)
        and len(resolved["classes"]) == 1
    ):
        raise ValueError(
            f"{place}: `weight` would have no effect: `classes` leaves one class, with nothing to weigh against."
        )
    return resolved


def _inner(place: str, section: Any, context: Context) -> dict[str, Any]:
    """A loss within a loss: its name with its keywords."""
    section = {section: {}} if isinstance(section, str) else section
    if not isinstance(section, Mapping) or len(section) != 1:
        raise ValueError(f"{place}: one loss stands here, such as focal or {{focal: {{gamma: 1.0}}}}; got {section!r}.")
    ((name, given),) = section.items()
    return {name: resolve_keywords(f"{place}.{name}", spec_for(place, name, context), given, context)}


def resolve_ramp(place: str, value: Any) -> dict[str, Any]:
    """A ramp, `{ramp: {from: 0.01, to: 1.0, epochs: 20}}`, with its shape written out."""
    ramp = mapping(place, value, "what moves", ("ramp",), required=("ramp",))["ramp"]
    ramp = mapping(f"{place}.ramp", ramp, "a ramp", RAMP, required=("from", "to", "epochs"))
    ramp = {"shape": "linear"} | {key: number_in(each) for key, each in ramp.items() if each is not None}
    return {"ramp": {key: ramp[key] for key in RAMP if key in ramp}}


def _class_ids(place: str, value: Any, context: Context) -> Any:
    """The ids of classes that were given by name or by id, or "all"."""
    if value == "all" or not isinstance(value, list | tuple):
        return value
    names = list(context.class_names)
    ids = []
    for each in value:
        if isinstance(each, str) and each in names:
            ids.append(names.index(each))
        elif isinstance(each, int) and not isinstance(each, bool) and 0 <= each < len(names):
            ids.append(each)
        else:
            with at(place):
                raise ValueError(
                    f"`classes` holds {each!r}, which is no class that the model scores; {nearest(str(each), names)}."
                )
    return ids
