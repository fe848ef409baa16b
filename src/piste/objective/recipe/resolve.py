"""From the `loss:` section as it was written to the one that is kept: checked, every default written out."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from piste.balance import ClassCounts
from piste.losses import catalogue
from piste.names import nearest
from piste.objective.naming import in_snake_case, unique_names
from piste.objective.recipe.build import WEIGHTINGS, check_build
from piste.objective.recipe.context import Context, Part
from piste.objective.recipe.keywords import resolve_keywords, resolve_ramp, spec_for
from piste.objective.recipe.place import BESIDE, SEQUENCE, at, listing, mapping, number_in
from piste.objective.trigger import Trigger

TIMED = (*SEQUENCE, "cycle")
STRUCTURE = (*TIMED, "sum", "watch")
PHASE = ("loss", "epochs", "until", "at_most", "lr", "reset_optimizer", "name")


def resolve(
    section: Any,
    *,
    task: str,
    activation: str,
    class_names: Sequence[str],
    counts: ClassCounts | None = None,
    metrics: Sequence[str] | None = None,
    folder: Path = Path(),
    parts: Mapping[str, Part] | None = None,
) -> dict[str, Any]:
    """Check a `loss:` section and write it out in full. Resolving the result changes nothing.

    Args:
        section: The section as YAML gives it: names, numbers, lists and mappings.
        task: What the losses have to suit.
        activation: What the model's scores are read with, "softmax" or "sigmoid".
        class_names: Names of the classes that the model scores, in the order of its channels.
        counts: How often each of these occurs in the training set. None leaves weights that need it as they are.
        metrics: Names of the validation metrics that a phase may wait for. None leaves them unchecked.
        folder: Where the files of custom losses are.
        parts: What the model predicts, by name, where it has several outputs, each with losses of its own:
            `{classification: focal, box: box_iou}` then stands wherever a loss or a sum may.

    Returns:
        The section in full: plain names, numbers, lists and mappings.

    Raises:
        ValueError: In one line: the place in the recipe, the rule, what came and what is allowed.
    """
    context = Context(task, activation, class_names, counts, metrics, folder, parts or {})
    resolved = _objective("loss", section, context)
    check_build(resolved, activation=activation, classes=len(class_names), folder=folder, parts=parts)
    return resolved


def _objective(place: str, section: Any, context: Context) -> dict[str, Any]:
    """A sequence, a cycle, or what is priced at the same time."""
    kind = _kind(place, section, TIMED)
    if kind is None:
        return _together(place, section, context)
    inner = section[kind]
    if kind != "cycle":
        return {kind: _stages(f"{place}.{kind}", inner, context)}
    cycle = mapping(f"{place}.cycle", inner, "a cycle", ("times", "phases"), required=("times", "phases"))
    stages = _stages(f"{place}.cycle.phases", cycle["phases"], context)
    return {"cycle": {"times": number_in(cycle["times"]), "phases": stages}}


def _stages(place: str, stages: Any, context: Context) -> list[dict[str, Any]]:
    """Phases, sequences and cycles that follow each other."""
    return [
        _objective(f"{place}[{i}]", stage, context)
        if _kind(f"{place}[{i}]", stage, TIMED)
        else _phase(f"{place}[{i}]", stage, context)
        for i, stage in enumerate(listing(place, stages, "what follows each other"))
    ]


def _phase(place: str, phase: Any, context: Context) -> dict[str, Any]:
    """A phase: what is optimised, until when, at which learning rate."""
    if isinstance(phase, str):
        phase = {"loss": phase}
    given = mapping(place, phase, "a phase", PHASE, required=("loss",))
    loss = _together(f"{place}.loss", given.pop("loss"), context)
    resolved: dict[str, Any] = {"loss": loss} | {key: given[key] for key in PHASE if given.get(key) is not None}
    for key in ("epochs", "at_most", "lr"):
        if key in resolved:
            resolved[key] = number_in(resolved[key])
    if "until" in resolved:
        with at(place):
            trigger = Trigger.parse(resolved["until"])
            if context.metrics is not None and trigger.metric not in context.metrics:
                raise ValueError(
                    f"`until` names no metric: {trigger.metric!r}; {nearest(trigger.metric, context.metrics)}."
                )
        resolved["until"] = str(trigger)
    defaults = {"lr": 1.0, "reset_optimizer": False, "name": " + ".join(_optimised(loss))}
    return resolved | {key: value for key, value in defaults.items() if key not in resolved}


def _together(place: str, section: Any, context: Context) -> dict[str, Any]:
    """A sum, or a single loss."""
    if context.parts and not (isinstance(section, Mapping) and "sum" in section):
        section = {"sum": _by_part(place, section, context)}
    if not isinstance(section, Mapping) or "sum" not in section:
        return _term(place, section, context)
    given = mapping(place, section, "a sum", ("sum", "weighting"))
    items = listing(f"{place}.sum", section["sum"], "a sum")
    terms = [_summand(f"{place}.sum[{i}]", item, context) for i, item in enumerate(items)]
    with at(f"{place}.sum"):
        names = unique_names([(term.get("name"), _own_name(term)) for term in terms])
    named = {"sum": [term | {"name": name} for term, name in zip(terms, names, strict=True)]}
    weighting = given.get("weighting")
    return named if weighting is None else named | {"weighting": _weighting(f"{place}.weighting", weighting)}


def _by_part(place: str, section: Any, context: Context) -> list[dict[str, Any]]:
    """The terms that `{classification: focal, box: {sum: [box_iou, box_l1]}}` stands for; parts left out by default."""
    given = mapping(place, section, f"the loss of {context.task}", tuple(context.parts))
    terms = []
    defaults = _defaults_beside(given, context.parts)
    for name in context.parts:
        priced = given.get(name, defaults.get(name))
        listed = priced["sum"] if isinstance(priced, Mapping) and tuple(priced) == ("sum",) else [priced]
        for i, term in enumerate(listing(f"{place}.{name}.sum", listed, "a sum") if priced is not None else ()):
            where = f"{place}.{name}" if listed == [priced] else f"{place}.{name}.sum[{i}]"
            summand = _summand(where, term, context.of(name))
            watched = summand.get("watch")
            terms.append(summand | {"watch": watched | {"part": name}} if watched else summand | {"part": name})
    if not terms:
        raise ValueError(f"{place}: no part is priced; the parts are {', '.join(context.parts)}.")
    return terms


def _defaults_beside(given: Mapping[str, Any], parts: Mapping[str, Part]) -> dict[str, Any]:
    """What prices each part that is not named: its default, unless a part that covers others does so, or they it."""
    defaults = {name: part.default for name, part in parts.items()}
    for name, part in parts.items():
        if name not in given and any(covered in given for covered in part.covers):
            defaults[name] = None
        elif part.covers and given.get(name, part.default) is not None:
            defaults |= dict.fromkeys(part.covers)
    return defaults


def _weighting(place: str, given: Any) -> dict[str, Any]:
    """How the terms of a sum are weighed, with every setting written out."""
    if isinstance(given, str):
        given = {given: {}}
    kinds = {name: inspect.signature(weighting).parameters for name, weighting in WEIGHTINGS.items()}
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in kinds:
        raise ValueError(f"{place}: a weighting is one of {', '.join(kinds)}; got {given!r}.")
    ((name, settings),) = given.items()
    defaults = {key: each.default for key, each in kinds[name].items() if key != "terms"}
    settings = mapping(place, settings or {}, f"the weighting `{name}`", tuple(defaults))
    return {name: defaults | {key: number_in(value) for key, value in settings.items()}}


def _summand(place: str, item: Any, context: Context) -> dict[str, Any]:
    """A term of a sum: a loss with its factor, or a watched loss."""
    if not isinstance(item, Mapping) or "watch" not in item:
        return {"scale": 1.0} | _term(place, item, context)
    watched = mapping(place, item, "a watched loss", ("watch", "name"))
    inner = _term(f"{place}.watch", watched["watch"], context)
    if "scale" in inner or "name" in inner:
        raise ValueError(
            f"{place}.watch: a watched loss has no scale, since it is not added; its name stands beside `watch`."
        )
    return {"watch": inner} | ({"name": watched["name"]} if watched.get("name") is not None else {})


def _term(place: str, item: Any, context: Context) -> dict[str, Any]:
    """A loss by name with its keywords, or a custom one; its factor and name where they are given."""
    if isinstance(item, str):
        item = {item: {}}
    if not isinstance(item, Mapping):
        raise ValueError(
            f"{place}: a loss is a name, such as dice, or a mapping, such as {{dice: {{smooth: 1.0}}}}; got {item!r}."
        )
    heads = [key for key in item if key not in BESIDE]
    if len(heads) != 1 or heads[0] in STRUCTURE:
        raise ValueError(f"{place}: {_no_loss(heads)}")
    part = item.get("part")
    if part not in ((context.part, None) if context.part else context.parts or (None,)):
        raise ValueError(f"{place}: {_no_part(part, context)}")
    context = context if part is None else context.of(part)
    name = str(heads[0])
    given = item[heads[0]]
    if name == "custom":
        resolved: dict[str, Any] = {name: _custom(f"{place}.custom", given)}
    else:
        spec = spec_for(place, name, context)
        resolved = {name: resolve_keywords(f"{place}.{name}", spec, given, context)}
    scale, own_name = item.get("scale"), item.get("name")
    if scale is not None:
        ramp = isinstance(scale, Mapping)
        resolved["scale"] = resolve_ramp(f"{place}.scale", scale) if ramp else number_in(scale)
    resolved |= {} if own_name is None else {"name": own_name}
    return resolved if part is None else resolved | {"part": part}


def _no_part(part: Any, context: Context) -> str:
    """Why a term can't price that part."""
    if not context.parts:
        return f"`part` does not apply: {context.task} predicts one thing; got {part!r}."
    if part is None:
        example = ", ".join(f"{name}: …" for name in context.parts)
        return f"a loss of {context.task} prices one part; write {{{example}}}, or `part` beside each term of a sum."
    return f"`part` is {part!r}; {nearest(str(part), context.parts)}."


def _no_loss(keys: list[Any]) -> str:
    """Why a mapping with these keys is no loss."""
    if not keys:
        return "a loss is missing; its name is a key, such as {dice: {}, scale: 0.5}."
    if "loss" in keys:
        return (
            "a phase stands in a sequence or a cycle, such as {sequence: [{loss: dice, epochs: 3}, {loss: jaccard}]}."
        )
    if "watch" in keys:
        return "a watched loss stands in a sum, beside what is optimised: {sum: [cross_entropy, {watch: dice}]}."
    structure = next((key for key in keys if key in STRUCTURE), None)
    if structure is not None:
        return f"a single loss stands here, and `{structure}` is none."
    losses = [key for key in keys if key in catalogue() or key == "custom"]
    names = ", ".join(map(str, keys))
    if len(losses) == 1:
        other = next(key for key in keys if key not in losses)
        return (
            f"`{other}` is no key beside a loss ({', '.join(BESIDE)} are); a keyword of the loss stands under its "
            f"name: {{{losses[0]}: {{{other}: …}}}}."
        )
    return f"one loss stands here; got {names}. Several are added as a list: {{sum: [{names}]}}."


def _custom(place: str, reference: Any) -> str:
    """FILE.py:NAME."""
    if not isinstance(reference, str):
        raise ValueError(
            f"{place}: a custom loss is given as FILE.py:NAME, such as my_loss.py:my_loss; got {reference!r}."
        )
    return reference


def _optimised(section: Mapping[str, Any]) -> list[str]:
    """Names of the terms that are not only watched."""
    terms = section.get("sum", [section])
    return [term.get("name", _own_name(term)) for term in terms if "watch" not in term]


def _own_name(term: Mapping[str, Any]) -> str:
    """What a term is called when nobody named it."""
    loss = term.get("watch", term)
    name = next(key for key in loss if key not in BESIDE)
    return in_snake_case(loss[name].rpartition(":")[2]) if name == "custom" else name


def _kind(place: str, section: Any, kinds: Sequence[str]) -> str | None:
    """Which of these structures a mapping is; it then has no other key."""
    if not isinstance(section, Mapping):
        return None
    found = [kind for kind in kinds if kind in section]
    if found and len(section) > 1:
        others = ", ".join(str(key) for key in section if key != found[0])
        raise ValueError(f"{place}: `{found[0]}` stands alone; got also {others}.")
    return found[0] if found else None
