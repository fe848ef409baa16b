"""A recipe entry that names one of several things: `cosine`, or with settings `{cosine: {warmup: 2}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from piste.data.entries import entry_schema
from piste.names import nearest


class Named(BaseModel):
    """The settings of one thing that a recipe can name; the subclass says what it is called there."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]


class OneOf:
    """Reads and writes a recipe entry that is one of several `Named`.

    Args:
        what: what the things are, for messages: "optimizer".
        things: every one of them.
    """

    def __init__(self, what: str, *things: type[Named]) -> None:
        self.what = what
        self.things: Mapping[str, type[Named]] = {thing.name: thing for thing in things}

    def read(self, value: object) -> Named:
        """The settings that a name, or a name with settings, stands for.

        Raises:
            ValueError: in one line, what is wrong and what is allowed.
        """
        if isinstance(value, Named) and type(value) in self.things.values():
            return value
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, settings),) = value.items()
        else:
            name, settings = value, None
        settings = {} if settings is None else settings
        if not isinstance(name, str) or not isinstance(settings, Mapping):
            raise ValueError(
                f"must be a name, or a name with its settings such as {self._example()}; got {value!r:.60}"
            )
        if name not in self.things:
            raise ValueError(f"there is no {self.what} {name!r}; {nearest(name, self.things)}")
        thing = self.things[name]
        for key in settings:
            if key not in thing.model_fields:
                raise ValueError(f"{name} has no setting {key!r}; {nearest(str(key), thing.model_fields)}")
        try:
            return thing.model_validate(dict(settings))
        except ValidationError as errors:
            raise ValueError("; ".join(_in_words(name, dict(error)) for error in errors.errors())) from None

    def schema(self) -> dict[str, Any]:
        """What `read` takes, as JSON Schema."""
        return entry_schema(self.things)

    def write(self, value: Named) -> dict[str, Any]:
        """The entry with every setting written out."""
        return {value.name: value.model_dump(mode="json")}

    def _example(self) -> str:
        thing = next(thing for thing in self.things.values() if thing.model_fields)
        return f"{{{thing.name}: {{{next(iter(thing.model_fields))}: ...}}}}"


def _in_words(name: str, error: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in (name, *error["loc"]))
    if error["type"] == "missing":
        return f"{place} is missing"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return f"{place}: {message}"
    return f"{place} {message.removeprefix('Input ')}; got {error['input']!r:.60}"
