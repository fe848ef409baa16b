"""What the keywords of losses may be, noted by the rules themselves while a loss is built."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from piste.losses.spec import LossSpec

PROBES: tuple[Any, ...] = (0.5, 1, True, [0], [1.0, 1.0])
"""What a keyword is tried with whose default says nothing of its rule."""


@dataclass(frozen=True)
class Rule:
    """What a keyword may be.

    Args:
        kind: A number, one or several numbers, one of a few words, true or false, an integer, a number per class, or
            several class ids.
        low: Smallest number.
        high: Largest number.
        above: What a number must exceed; then `low` says nothing.
        below: What a number must stay under; then `high` says nothing.
        allowed: The words.
    """

    kind: Literal["number", "numbers", "word", "switch", "integer", "per_class", "class_ids"]
    low: float = -inf
    high: float = inf
    above: float | None = None
    below: float | None = None
    allowed: tuple[str, ...] = ()


_noted: ContextVar[dict[str, Rule] | None] = ContextVar("noted", default=None)


def note(name: str, rule: Callable[[], Rule]) -> None:
    """Note the rule that a keyword is being held to, if anyone listens."""
    noted = _noted.get()
    if noted is not None:
        noted.setdefault(name, rule())


def rules_of(spec: "LossSpec") -> Mapping[str, Rule]:
    """The rules of a loss's keywords, by name; a keyword that is held to none, such as a module, is missing.

    Example:
        >>> from piste.losses import catalogue
        >>> rules_of(catalogue()["focal"])["gamma"]
        Rule(kind='number', low=0.0, high=inf, above=None, below=None, allowed=())
    """
    with _listening() as noted:
        for keywords in ({}, *spec.variants):
            with suppress(ValueError):
                spec.build(**keywords)
        for name in spec.parameters:
            for probe in PROBES:
                if name not in noted:
                    with suppress(Exception):  # whatever a keyword without a rule makes of a probe
                        spec.build(**{name: probe})
    return {name: noted[name] for name in spec.parameters if name in noted}


@contextmanager
def _listening() -> Iterator[dict[str, Rule]]:
    noted: dict[str, Rule] = {}
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def meanings_of(cls: type) -> Mapping[str, str]:
    """What each keyword means: from the class's docstring, or else from that of the nearest base that says so."""
    found: dict[str, str] = {}
    for ancestor in cls.__mro__:
        for name, meaning in _arguments(ancestor.__doc__ or ""):
            found.setdefault(name, meaning)
    return found


def _arguments(docstring: str) -> Sequence[tuple[str, str]]:
    """Name and meaning of each entry of the section `Args:`."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", inspect.cleandoc(docstring), re.MULTILINE)
    entries = re.split(r"\n(?=\S)", inspect.cleandoc(section[1])) if section else []
    pairs = [entry.partition(":") for entry in entries]
    return [(name, " ".join(meaning.split())) for name, colon, meaning in pairs if colon and name.isidentifier()]
