"""Pieces of Python: settings as literals, blocks of code, long lists of names."""

import re
from collections.abc import Iterable, Sequence
from textwrap import dedent, indent, wrap
from typing import NamedTuple

WIDTH = 120


def block(text: str) -> str:
    """Code as it stands in an indented string."""
    return dedent(text).strip("\n")


def indented(lines: str | Iterable[str], levels: int = 1) -> str:
    """Code further to the right."""
    return indent(lines if isinstance(lines, str) else "\n".join(lines), "    " * levels)


def assigned(name: str, value: object, comment: str = "", *, prefix: str = "") -> str:
    """`name = value`, or with an entry a line where that is too long.

    Args:
        name: what is assigned to.
        value: a list, a mapping, or what prints itself.
        comment: what is said of it, at the end of the line.
        prefix: stands before the line, such as spaces.
    """
    said = f"  # {comment}" if comment else ""
    line = f"{prefix}{name} = {literal(value)}"
    if len(line) + len(said) <= WIDTH:
        return line + said
    if len(line) <= WIDTH:
        return f"{prefix}# {comment}\n{line}"
    if isinstance(value, dict):
        entries, ends = [f"{literal(key)}: {literal(each)}" for key, each in value.items()], "{}"
    else:
        assert isinstance(value, list | tuple)
        entries, ends = [literal(each) for each in value], "[]"
    lines = "".join(f"{prefix}    {entry},\n" for entry in entries)
    return f"{prefix}{name} = {ends[0]}{said}\n{lines}{prefix}{ends[1]}"


def fitted(code: str) -> str:
    """A function as it is, but for its first line, which is broken as usual where it is too long."""
    head, _, rest = code.partition("\n")
    if len(head) <= WIDTH:
        return code
    name, _, tail = head.partition("(")
    arguments, _, returns = tail.rpartition(") -> ")
    lines = [f"    {arguments}"]
    if len(lines[0]) > WIDTH:
        lines = [f"    {each}," for each in re.split(r", (?=\w+:)", arguments)]
    return "\n".join([f"{name}(", *lines, f") -> {returns}", rest])


def literal(value: object) -> str:
    """A value as Python that is formatted as usual: text in double quotes."""
    if isinstance(value, str):
        quote = "'" if value.count('"') > value.count("'") else '"'
        return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


class Listed(NamedTuple):
    """A constant that may be long, and how it is read.

    Args:
        code: what stands at the end of a script.
        read: the expression of the list.
    """

    code: str
    read: str


def listed(name: str, entries: Sequence[str]) -> Listed:
    """Names: several a line where none holds a space, else one a line."""
    short = len(assigned(name, list(entries)).splitlines()) == 1
    if short or any(set(entry) & {'"', "\\"} or entry != entry.strip() or not entry for entry in entries):
        return Listed(assigned(name, list(entries)), name)
    spaced = any(len(entry.split()) > 1 for entry in entries)
    lines = entries if spaced else wrap(" ".join(entries), WIDTH, break_long_words=False, break_on_hyphens=False)
    return Listed(_text(name, lines), f"{name}.strip().splitlines()" if spaced else f"{name}.split()")


def numbers(name: str, values: Sequence[int]) -> Listed:
    """Whole numbers."""
    if list(values) == list(range(values[0], values[-1] + 1)):
        return Listed(f"{name} = range({values[0]}, {values[-1] + 1})", name)
    return Listed(_text(name, wrap(" ".join(map(str, values)), WIDTH)), f"[int(i) for i in {name}.split()]")


def _text(name: str, lines: Sequence[str]) -> str:
    return f'{name} = """\n' + "\n".join(lines) + '\n"""'
