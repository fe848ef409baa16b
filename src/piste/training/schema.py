"""The JSON Schema of recipes: editors complete from it, and a form can be drawn from it."""

from collections.abc import Mapping
from typing import Any

from piste.objective.recipe.schema import loss_schema
from piste.tasks.base import task_class, task_names
from piste.training.recipe import recipe_class

Schema = dict[str, Any]


def recipe_schema(task: str | None = None) -> Schema:
    """The schema of the recipes of one task, or of all of them.

    Raises:
        ValueError: there is no such task.
    """
    names = task_names() if task is None else [task]
    wholes = {name: _schema_of(name) for name in names}
    defined: Schema = {}
    branches = []
    for name, whole in wholes.items():
        parts = whole.pop("$defs", {})
        defined |= {f"{name}.{key}": _within(name, part) for key, part in parts.items()}
        defined[name] = _within(name, whole)
        chosen = {"properties": {"task": {"const": name}}}
        branches.append({"if": chosen, "then": {"$ref": f"#/$defs/{name}"}})
    described = [{"const": name, "description": task_class(name).summary} for name in names]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe of Piste",
        "type": "object",
        "required": ["task"],
        "properties": {"task": {"oneOf": described}},
        "allOf": branches,
        "$defs": defined,
    }


def _schema_of(task: str) -> Schema:
    """The schema of one task's recipes: its sections, what every run has, and the grammar of its losses."""
    whole: Schema = recipe_class(task).model_json_schema()
    loss, defined = loss_schema(task, task_class(task).parts)
    whole["properties"]["loss"] = loss
    whole["title"] = f"A recipe of {task}"
    whole["description"] = task_class(task).summary
    whole.setdefault("$defs", {}).update(defined)
    return whole


def _within(task: str, schema: Any) -> Any:
    """The same schema where definitions have the task's name before their own."""
    if isinstance(schema, Mapping):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{task}.") if key == "$ref" else _within(task, value)
            for key, value in schema.items()
        }
    return [_within(task, each) for each in schema] if isinstance(schema, list) else schema
