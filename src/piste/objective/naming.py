"""What terms are called."""

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from piste.losses.spec import catalogue


def name_of(loss: Callable[..., Any]) -> str:
    """The name of a loss in the catalogue, or that of the function or class in snake_case."""
    filed = next((name for name, spec in catalogue().items() if type(loss) is spec.cls), None)
    if filed is not None:
        return filed
    return in_snake_case(getattr(loss, "__name__", type(loss).__name__))


def in_snake_case(called: str) -> str:
    """The name of a function or class as the name of a term; "loss" if it has none, as a lambda."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", called).lower()
    return snake if snake.isidentifier() else "loss"


def unique_names(names: Sequence[tuple[str | None, str]]) -> list[str]:
    """Names that differ, from what the user gave, if anything, and from what each is called by itself.

    Given names stand; the others are numbered from the second on.

    Example:
        >>> unique_names([(None, "dice"), ("overlap", "dice"), (None, "dice")])
        ['dice', 'overlap', 'dice_2']
    """
    taken = [given for given, _ in names if given is not None]
    for name in taken:
        if taken.count(name) > 1:
            raise ValueError(f"the names of terms must differ; {taken.count(name)} are called {name!r}.")
    unique = []
    for given, base in names:
        if given is None:
            numbered = (base if i == 1 else f"{base}_{i}" for i in count(1))
            given = next(name for name in numbered if name not in taken)
            taken.append(given)
        unique.append(given)
    return unique
