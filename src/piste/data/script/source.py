"""The source of our own networks and functions as scripts show it: in few words, and no more than is asked for."""

import ast
import inspect
import sys
from collections.abc import Collection, Iterator, Mapping
from textwrap import dedent
from types import MappingProxyType
from typing import Any, NamedTuple

NOTHING: Mapping[str, Any] = MappingProxyType({})


def source_of(
    thing: Any,
    *,
    told: str | None = None,
    without: Collection[str] = (),
    decided: Mapping[str, bool] = NOTHING,
    settings: Mapping[str, str] = NOTHING,
) -> str:
    """The source of a class or function: without decorators, each description a line long, numbers for constants.

    Args:
        thing: a class or function of ours.
        told: a description for a function that has none.
        without: methods that nobody calls.
        decided: whether conditions, as they stand in the source, hold, where that is known; what would be done
            otherwise is left out, as is the question.
        settings: other code for names and attributes, such as `{"recipe.sizes": "SIZES"}`.

    Example:
        >>> print(source_of(_long_description, settings={"described": "text"}).splitlines()[1].strip())
        text = ast.get_docstring(node)
    """
    code = dedent(inspect.getsource(thing))
    first: Any = ast.parse(code).body[0]
    code = "\n".join(code.splitlines()[first.lineno - 1 :])
    numbers = {
        name: repr(value)
        for name, value in vars(sys.modules[thing.__module__]).items()
        if name.lstrip("_").isupper() and type(value) in (int, float)
    }
    if told is not None:
        first = ast.parse(code).body[0]
        lines = code.splitlines()
        lines.insert(first.body[0].lineno - 1, f'    """{told}"""')
        code = "\n".join(lines)
    while edit := next(_edits(code, without, decided, {**numbers, **settings}), None):
        code = edit.applied(code)
    return code.rstrip()


class _Edit(NamedTuple):
    """Bytes of a code, as UTF-8, that are to be replaced."""

    start: int
    end: int
    text: str

    def applied(self, code: str) -> str:
        raw = code.encode()
        return (raw[: self.start] + self.text.encode() + raw[self.end :]).decode()


def _edits(
    code: str, without: Collection[str], decided: Mapping[str, bool], settings: Mapping[str, str]
) -> Iterator[_Edit]:
    """What is still to be done; each is right for the code as it is."""
    starts = [0]
    for line in code.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(node: Any) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def text(node: Any) -> str:
        start, end = place(node)
        return code.encode()[start:end].decode()

    def lines(node: Any, *, above: int = 0) -> tuple[int, int]:
        return starts[node.lineno - 1 - above], starts[min(node.end_lineno, len(starts) - 1)]

    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name in without:
            yield _Edit(*lines(node, above=1), "")  # with the empty line
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and (long := _long_description(node)):
            yield _Edit(*place(node.body[0]), f'"""{long.partition(chr(10))[0]}"""')
        if isinstance(node, ast.IfExp) and (holds := decided.get(ast.unparse(node.test))) is not None:
            yield _Edit(*place(node), text(node.body if holds else node.orelse))
        if isinstance(node, ast.If) and (holds := decided.get(ast.unparse(node.test))) is not None:
            kept = node.body if holds else node.orelse
            inside = code.splitlines(keepends=True)[kept[0].lineno - 1 : kept[-1].end_lineno] if kept else []
            yield _Edit(*lines(node), "".join(line.removeprefix("    ") for line in inside))
        if isinstance(node, ast.FunctionDef) and (answer := _named_answer(node)):
            yield _Edit(place(answer)[0], place(node.body[-1])[1], f"return {text(answer.value)}")
        if isinstance(node, ast.Name | ast.Attribute) and (setting := settings.get(ast.unparse(node))) is not None:
            yield _Edit(*place(node), setting)


def _long_description(node: ast.ClassDef | ast.FunctionDef) -> str | None:
    described = ast.get_docstring(node)
    return described if described is not None and "\n" in described else None


def _named_answer(node: ast.FunctionDef) -> ast.AnnAssign | None:
    """The statement `x: Type = …` just before `return x`, which tells a type checker something."""
    *_, before, last = [None, None, *node.body]
    if isinstance(before, ast.AnnAssign) and isinstance(last, ast.Return) and before.value and last.value:
        return before if ast.unparse(before.target) == ast.unparse(last.value) else None
    return None
