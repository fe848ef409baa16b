"""Places in a recipe: where a mistake stands, and the rules for what stands there."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from piste.names import nearest

SEQUENCE = ("sequence", "phases")
"""Two words for stages that follow each other."""

BESIDE = ("scale", "name", "part")
"""Keys that may stand beside a loss."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say where in the recipe a mistake was made."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def mapping(place: str, value: Any, what: str, keys: Collection[str], required: Collection[str] = ()) -> dict[str, Any]:
    """A mapping with no other keys than those, and at least the required ones."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{place}: {what} is a mapping with the keys {', '.join(keys)}; got {value!r}.")
    for key in value:
        if key not in keys:
            raise ValueError(f"{place}: {what} has no key {key!r}; {nearest(str(key), keys)}.")
    for key in required:
        if key not in value:
            raise ValueError(f"{place}: {what} needs {key!r}; got {', '.join(map(str, value)) or 'nothing'}.")
    return dict(value)


def listing(place: str, value: Any, what: str) -> Sequence[Any]:
    """A list with something in it."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{place}: {what} is a list with at least one entry; got {value!r}.")
    return value


def number_in(value: Any) -> Any:
    """The number that a text holds, since YAML reads 1e-3 as text; anything else as it is.

    Example:
        >>> number_in("1e-3"), number_in("4"), number_in("cosine"), number_in([2])
        (0.001, 4, 'cosine', [2])
    """
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdecimal() else float(value)
