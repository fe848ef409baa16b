"""The grammar of a `loss:` section as JSON Schema: for a task, its losses alone, and their keywords with ranges."""

from collections.abc import Collection, Mapping
from math import isinf
from typing import Any, get_args

from piste.balance import METHODS
from piste.losses import LossSpec, catalogue
from piste.losses.rules import Rule, meanings_of, rules_of
from piste.objective.ramp import Shape
from piste.objective.recipe.build import WEIGHTINGS
from piste.objective.recipe.context import Part
from piste.objective.recipe.keywords import settable
from piste.objective.recipe.weights import per_class

Schema = dict[str, Any]
RAMP: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ramp"],
    "properties": {
        "ramp": {
            "type": "object",
            "description": "a number that moves while training runs",
            "additionalProperties": False,
            "required": ["from", "to", "epochs"],
            "properties": {
                "from": {"type": "number"},
                "to": {"type": "number"},
                "epochs": {"type": "integer", "minimum": 2},
                "shape": {"enum": list(get_args(Shape))},
                "steps": {"type": ["integer", "null"], "minimum": 2},
            },
        }
    },
}
MADE: Schema = {
    "description": "made from the training set",
    "anyOf": [
        {"enum": list(METHODS)},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["method"],
            "properties": {
                "method": {"enum": list(METHODS)},
                "power": {"type": "number"},
                "cap": {"type": ["number", "null"]},
                "beta": {"type": "number"},
            },
        },
    ],
}


def suiting(task: str) -> dict[str, LossSpec]:
    """The losses that suit a task, by name; what lists, errors and schemas of tasks are made of."""
    return {name: spec for name, spec in catalogue().items() if task in spec.tasks}


def loss_schema(task: str, parts: Mapping[str, Part] | None = None) -> tuple[Schema, dict[str, Schema]]:
    """What may stand under `loss:` for a task, and the definitions that it refers to.

    Args:
        task: whose losses.
        parts: what its models predict, by name, where that is several things.
    """
    groups = {"": list(suiting(task))} if not parts else {name: sorted(part.losses) for name, part in parts.items()}
    names = {name for group in groups.values() for name in group}
    defined = {f"loss_{name}": _keywords(catalogue()[name], sorted(names)) for name in sorted(names)}
    prefix = "" if not parts else "_"
    for group, losses in groups.items():
        defined[f"term{prefix}{group}"] = _term(losses, parted=bool(parts))
        defined[f"summand{prefix}{group}"] = {"anyOf": [_ref(f"term{prefix}{group}"), _watched(f"term{prefix}{group}")]}
    defined["together"] = _together(groups, parts)
    defined["phase"] = _phase()
    defined["stages"] = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [_ref("phase"), _ref("timed"), *([] if parts else [{"enum": groups[""]}])]},
    }
    defined["timed"] = {
        "anyOf": [
            _object({"sequence": _ref("stages")}, ["sequence"], "phases that follow each other"),
            _object({"phases": _ref("stages")}, ["phases"], "phases that follow each other"),
            _object(
                {
                    "cycle": _object(
                        {"times": {"type": "integer", "minimum": 1}, "phases": _ref("stages")}, ["times", "phases"]
                    )
                },
                ["cycle"],
                "phases that come round again",
            ),
        ]
    }
    return {"description": "what is optimised", "anyOf": [_ref("together"), _ref("timed")]}, defined


def _together(groups: Mapping[str, Collection[str]], parts: Mapping[str, Part] | None) -> Schema:
    """A loss, a sum, or a loss for each part."""
    weighting = {
        "anyOf": [
            {"enum": list(WEIGHTINGS)},
            {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": list(WEIGHTINGS)}},
        ]
    }
    summands = {"anyOf": [_ref(f"summand{'_' if group else ''}{group}") for group in groups]}
    whole = {"sum": {"type": "array", "minItems": 1, "items": summands}, "weighting": weighting}
    summed = _object(whole, ["sum"], "losses that are added up")
    if not parts:
        return {"anyOf": [_ref("term"), summed]}
    of_part = {
        name: {
            "anyOf": [
                _ref(f"term_{name}"),
                _object({"sum": {"type": "array", "minItems": 1, "items": _ref(f"summand_{name}")}}, ["sum"]),
            ]
        }
        for name in parts
    }
    return {"anyOf": [_object(of_part, [], "a loss for each part of the prediction"), summed]}


def _term(losses: Collection[str], *, parted: bool) -> Schema:
    """A loss by its name, with keywords, and a factor and a name beside it."""
    beside: Schema = {
        "scale": {"description": "its factor", "anyOf": [{"type": "number", "exclusiveMinimum": 0}, RAMP]},
        "name": {"description": "what the term is called", "type": "string"},
    }
    beside |= {"part": {"description": "which part it prices", "type": "string"}} if parted else {}
    custom = {"description": "a loss of your own", "type": "string", "pattern": r"^.+\.py:\w+$"}
    named = {name: _ref(f"loss_{name}") for name in losses} | {"custom": custom}
    one = {"oneOf": [{"required": [name]} for name in named]}
    return {
        "anyOf": [
            {"enum": list(losses)},
            {"type": "object", "additionalProperties": False, "properties": named | beside} | one,
        ]
    }


def _watched(term: str) -> Schema:
    beside = {"watch": _ref(term), "name": {"type": "string"}}
    return _object(beside, ["watch"], "a loss that is logged and not optimised")


def _phase() -> Schema:
    count: Schema = {"type": "integer", "minimum": 1}
    return _object(
        {
            "loss": _ref("together"),
            "epochs": {"description": "how long it lasts"} | count,
            "until": {"description": "`metric op number [for k epochs]`, judged on validation", "type": "string"},
            "at_most": {"description": "with `until`: the epochs after which it ends all the same"} | count,
            "lr": {"description": "factor of the learning rate", "type": "number", "exclusiveMinimum": 0},
            "reset_optimizer": {"type": "boolean"},
            "name": {"type": "string"},
        },
        ["loss"],
        "what is optimised for a while",
    )


def _keywords(spec: LossSpec, losses: Collection[str]) -> Schema:
    """The keywords of a loss that a recipe sets."""
    rules, meanings = rules_of(spec), meanings_of(spec.cls)
    properties = {
        name: _property(name, rules.get(name), default, losses) | {"description": meanings.get(name, "")}
        for name, default in settable(spec).items()
    }
    keywords = _object(properties, [], spec.summary)
    return keywords | {"type": ["object", "null"]}


def _property(name: str, rule: Rule | None, default: Any, losses: Collection[str]) -> Schema:
    """What a keyword may be, and what it is if left out."""
    shown = {} if default is None or not isinstance(default, bool | int | float | str) else {"default": default}
    kinds: list[Schema] = [{"type": "null"}] if default is None else []
    if name == "loss":
        inner = {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": list(losses)}}
        kinds += [{"enum": list(losses)}, inner]
    elif per_class(name, default):
        numbers = {"type": "number", "minimum": 0}
        kinds += [MADE, numbers, {"type": "array", "items": numbers}]
        kinds += [{"type": "object", "additionalProperties": numbers}]
    elif rule is None:
        return shown
    elif rule.kind == "number":
        kinds += [_number(rule), RAMP]
    elif rule.kind == "numbers":
        kinds += [_number(rule), RAMP, {"type": "array", "items": _number(rule), "minItems": 1}]
    elif rule.kind == "word":
        kinds += [{"enum": list(rule.allowed)}]
    elif rule.kind == "switch":
        kinds += [{"type": "boolean"}]
    elif rule.kind == "integer":
        kinds += [{"type": "integer"}]
    elif rule.kind == "class_ids":
        kinds += [{"const": "all"}, {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}}]
    return shown | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _number(rule: Rule) -> Schema:
    """A number within the rule's bounds."""
    bounds: Schema = {"type": "number"}
    if rule.above is not None:
        bounds["exclusiveMinimum"] = rule.above
    elif not isinf(rule.low):
        bounds["minimum"] = rule.low
    if rule.below is not None:
        return bounds | {"exclusiveMaximum": rule.below}
    return bounds if isinf(rule.high) else bounds | {"maximum": rule.high}


def _object(properties: Schema, required: list[str], description: str = "") -> Schema:
    """A mapping with these keys and no others."""
    told = {"description": description} if description else {}
    needed = {"required": required} if required else {}
    return {**told, "type": "object", "additionalProperties": False, "properties": properties, **needed}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
