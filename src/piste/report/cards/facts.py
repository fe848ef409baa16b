"""The words of a card, read from a loss's declaration, its docstrings and its file; nothing is written twice."""

import inspect
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from piste.losses import Between, Choice, LossSpec
from piste.losses.rules import meanings_of

SECTIONS = ("Args:", "Returns:", "Raises:", "Source:", "Example:", "Attributes:", "Called as ", "- ", " ")
"""How paragraphs begin that are no description."""
TARGETS = {
    "index": "a class id per position",
    "soft": "a probability per class",
    "labels": "independent labels in [0, 1]",
    "values": "real numbers",
    "maps": "a map of numbers per class",
}


@dataclass(frozen=True)
class Keyword:
    """One argument of a constructor.

    Args:
        name: What it is called.
        default: What it is if left out, as it is written; "required" if it can't be.
        meaning: What its docstring says.
        search: Where to look for a better value.
        own: Whether it belongs to this loss, not to the base that many share.
    """

    name: str
    default: str
    meaning: str
    search: Between | Choice | None
    own: bool


@dataclass(frozen=True)
class Facts:
    """What a loss says about itself.

    Args:
        spec: Its declaration.
        formula: The first paragraph of its file.
        remarks: The file's other paragraphs.
        prose: The paragraphs that describe the class, below its first line.
        keywords: Those of its constructor, its own first.
        call: How it is called, in code.
        shapes: What its call takes, in words, a paragraph or a list each.
    """

    spec: LossSpec
    formula: str
    remarks: tuple[str, ...]
    prose: tuple[str, ...]
    keywords: tuple[Keyword, ...]
    call: str
    shapes: tuple[str, ...]

    @property
    def own(self) -> tuple[Keyword, ...]:
        """The keywords that this loss has to itself."""
        return tuple(keyword for keyword in self.keywords if keyword.own)

    @property
    def shared(self) -> tuple[Keyword, ...]:
        """The keywords that come with its base."""
        return tuple(keyword for keyword in self.keywords if not keyword.own)


def facts(spec: LossSpec) -> Facts:
    """Read the facts of one loss."""
    formula, *remarks = paragraphs(inspect.getdoc(sys.modules[spec.cls.__module__]) or spec.summary)
    meanings = meanings_of(spec.cls)
    own = own_keywords(spec)
    keywords = [
        Keyword(name, _default(parameter), meanings.get(name, ""), spec.search.get(name), name in own)
        for name, parameter in spec.parameters.items()
    ]
    blocks = re.split(r"\n\s*\n", inspect.getdoc(spec.cls) or "")[1:]
    prose = paragraphs("\n\n".join(block for block in blocks if not block.startswith(SECTIONS)))
    return Facts(spec, formula, tuple(remarks), tuple(prose), tuple(keywords), *_call(spec))


def own_keywords(spec: LossSpec) -> tuple[str, ...]:
    """The keywords that are neither common to all losses nor those of the loss's base."""
    base = getattr(spec.cls.__mro__[1], "__signature__", inspect.Signature()).parameters
    return tuple(name for name in spec.hyper if name not in base)


def paragraphs(text: str) -> list[str]:
    r"""Paragraphs of a docstring: prose as one line, lists line by line, and what is indented as it stands.

    >>> paragraphs("One\nline.\n\n- a\n- b\n  c\n\n    x  1\n    y  2")
    ['One line.', '- a\n- b c', '    x  1\n    y  2']
    """
    blocks = [block.rstrip() for block in re.split(r"\n\s*\n", inspect.cleandoc(text)) if block.strip()]
    return [block if block[0] == " " else re.sub(r"\s*\n\s*(?!-\s)", " ", block) for block in blocks]


def words_of_range(spec: LossSpec) -> str:
    """The smallest and the largest value of the mean."""
    low, high = (f"{end:g}".replace("inf", "\N{INFINITY}") for end in spec.value_range)
    return f"{low} to {high}"


def words_of_search(space: Between | Choice) -> str:
    """Where to look for a better value.

    >>> words_of_search(Between(0.01, 10.0, log=True))
    '0.01 to 10, in powers'
    """
    if isinstance(space, Between):
        return f"{space.low:g} to {space.high:g}{', in powers' if space.log else ''}"
    return ", ".join(map(str, space.values))


def words_of_targets(spec: LossSpec) -> str:
    """What a target may be, in words."""
    return "; ".join(TARGETS.get(kind, kind) for kind in spec.targets)


def words_of_stand_ins(spec: LossSpec) -> str | None:
    """What is drawn and measured instead of the loss as it comes, where a default needs what may not be there."""
    names = " and ".join(f"`{name}`" for name in spec.stand_in)
    return f"Drawn and measured with a small stand-in for {names}." if names else None


def recipe_of(spec: LossSpec) -> str | None:
    """How a recipe asks for it; None if no task of recipes is one that it suits."""
    return f"loss: {spec.name}" if any(find_spec(f"piste.tasks.{task}") for task in spec.tasks) else None


def _default(parameter: inspect.Parameter) -> str:
    return "required" if parameter.default is inspect.Parameter.empty else repr(parameter.default)


def _call(spec: LossSpec) -> tuple[str, tuple[str, ...]]:
    """The call in code, and what is said of it, in the class's docstring or else in that of the nearest base."""
    for ancestor in spec.cls.__mro__:
        blocks = paragraphs(ancestor.__doc__ or "")
        for place, block in enumerate(blocks):
            if block.startswith("Called as "):
                items = [each for each in blocks[place + 1 : place + 2] if each.startswith("- ")]
                return ", ".join(re.findall(r"`(loss\b[^`]*)`", block)), (block, *items)
    return f"loss{inspect.signature(spec.cls.forward)}".replace("(self, ", "("), ()
