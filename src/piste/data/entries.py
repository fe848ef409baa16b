"""An entry of a list in a recipe, such as `augment`: a name, or a name with settings."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from piste.names import nearest

Kind = TypeVar("Kind", bound=BaseModel)


def snake_case(name: str) -> str:
    """What a recipe calls a class.

    Example:
        >>> snake_case("RandomSizedCrop")
        'random_sized_crop'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def read_entry(entry: object, kinds: Mapping[str, type[Kind]], what: str) -> Kind:
    """What an entry stands for: a name, or a name with settings.

    Args:
        entry: as YAML gives it.
        kinds: what there is, by name.
        what: with its article, such as "an augmentation".

    Raises:
        ValueError: an unknown name or setting, or a value that is not legal.
    """
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise ValueError(f"{what} is a name or {{name: {{settings}}}}; got {entry!r:.60}")
    [(name, settings)] = entry.items()
    if name not in kinds:
        raise ValueError(f"no {what.partition(' ')[2]} is called {name}; {nearest(str(name), kinds)}")
    kind = kinds[name]
    if not isinstance(settings or {}, Mapping):
        raise ValueError(f"{name} takes settings such as {{{', '.join(kind.model_fields)}}}; got {settings!r:.60}")
    try:
        return kind.model_validate(settings or {})
    except ValidationError as errors:
        raise ValueError("; ".join(_in_words(name, kind, dict(error)) for error in errors.errors())) from None


def _in_words(name: str, kind: type[BaseModel], error: dict[str, Any]) -> str:
    setting = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{name} has no setting {setting}; {nearest(setting, kind.model_fields)}"
    if error["type"] == "missing":
        return f"{name} needs the setting {setting}"
    rule = error["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("should be", "must be")
    if error["type"] == "value_error":
        return f"{name}.{setting}: {rule}" if setting else f"{name} {rule}"
    return f"{name}.{setting} {rule}; got {error['input']!r:.60}"


def entry_schema(kinds: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """What may stand where one of these is named, alone or with its settings, as JSON Schema."""
    named = {name: kind.model_json_schema() | {"type": ["object", "null"]} for name, kind in kinds.items()}
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {"anyOf": [{"enum": list(named)}, one | {"properties": named}]}
