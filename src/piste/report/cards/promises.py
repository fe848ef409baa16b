"""The contract in words: which promises a loss keeps and which it waives, read from the promises themselves."""

import inspect
import sys
from collections.abc import Mapping

from piste.losses import LossSpec
from piste.losses.contract import PROMISES, Promise


def kept_by(spec: LossSpec) -> tuple[str, ...]:
    """The promises that concern a loss and that it does not waive."""
    return tuple(name for name, made in PROMISES.items() if name not in spec.waivers and made.concerns(spec))


def by_theme(names: tuple[str, ...] | None = None) -> Mapping[str, tuple[str, ...]]:
    """Promises under what their file says that they are about."""
    themes: dict[str, tuple[str, ...]] = {}
    for name in PROMISES if names is None else names:
        theme = theme_of(PROMISES[name])
        themes[theme] = (*themes.get(theme, ()), name)
    return themes


def theme_of(made: Promise) -> str:
    """What the file of a promise is about: the first word after "Promises about" in its docstring."""
    first = (inspect.getdoc(sys.modules[made.check.__module__]) or made.check.__module__).splitlines()[0]
    return first.removeprefix("Promises about ").partition(":")[0].rstrip(".")


def in_words(name: str) -> str:
    """A promise as a sentence.

    >>> in_words("compiled_equals_eager")
    'compiled equals eager'
    """
    return name.replace("_", " ")


def meaning_of(name: str) -> str:
    """What a promise says, in full."""
    return " ".join((inspect.getdoc(PROMISES[name].check) or "").split())
