"""Formulas taken out of their classes: the body of a method with numbers where its settings stood."""

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Callable, Mapping
from textwrap import dedent
from types import FunctionType
from typing import Any, NamedTuple

ALLOWED = {"torch", "Tensor", "F", "math", "nn"}
"""Names that every script knows."""


class Formula(NamedTuple):
    """Lines of code, and the functions that they call.

    Args:
        lines: the body of a function.
        needs: functions by name.
    """

    lines: str
    needs: Mapping[str, Callable[..., Any]]


def formula(method: Callable[..., Any], settings: Mapping[str, str], result: str = "cost") -> Formula:
    """The body of a method that ends with its only return, as lines that set `result`.

    Args:
        method: such as `loss.phi`.
        settings: attributes of its object, as code.
        result: what is set.

    Raises:
        ValueError: the method reads something else of its object.
    """
    text, needs = _body(method, settings)
    node = ast.parse(text)
    returns = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
    if len(returns) != 1 or node.body[-1] is not returns[0]:
        raise ValueError(f"{method.__qualname__} has not one return, at its end")
    head, _, tail = text.rpartition("return ")
    return Formula(f"{head}{result} = {tail}", needs)


def helper(function: Callable[..., Any]) -> tuple[str, Mapping[str, Callable[..., Any]]]:
    """The whole source of a function, its description a line long, and the functions that it calls."""
    body, needs = _body(function, {})
    source = dedent(inspect.getsource(function))
    node: Any = ast.parse(source).body[0]
    head = source.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]
    told = (inspect.getdoc(function) or function.__name__).partition("\n")[0]
    lines = "\n".join(f"    {line}" if line else "" for line in body.splitlines())
    return "\n".join([*head, f'    """{told}"""', lines]), needs


def _body(method: Callable[..., Any], settings: Mapping[str, str]) -> tuple[str, Mapping[str, Callable[..., Any]]]:
    """The statements after the description, without comments, with numbers for settings and constants."""
    source = dedent(inspect.getsource(method))
    node: Any = ast.parse(source).body[0]
    known = inspect.unwrap(method).__globals__
    needs: dict[str, Callable[..., Any]] = {}
    edits: list[tuple[int, int, int, str]] = []
    statements = [each for each in node.body if not _is_text(each) and not isinstance(each, ast.Assert)]
    for part in [each for statement in statements for each in ast.walk(statement)]:
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            if part.attr not in settings:
                raise ValueError(f"{method.__qualname__} reads {part.attr}")
            edits.append((part.lineno, part.col_offset, part.end_col_offset or 0, settings[part.attr]))
        elif isinstance(part, ast.Name) and part.id in known and part.id not in ALLOWED:
            value = known[part.id]
            if isinstance(value, int | float):
                edits.append((part.lineno, part.col_offset, part.end_col_offset or 0, repr(value)))
            elif isinstance(value, FunctionType):
                needs[part.id] = value
            else:
                raise ValueError(f"{method.__qualname__} reads {part.id}")
    lines = source.splitlines()
    for line, start, end, text in sorted(edits, reverse=True):
        lines[line - 1] = lines[line - 1][:start] + text + lines[line - 1][end:]
    chosen = lines[statements[0].lineno - 1 : statements[-1].end_lineno]
    return plain(without_comments(dedent("\n".join(chosen)))), needs


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def without_comments(code: str) -> str:
    """The same code with nothing said beside it."""
    lines = code.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            lines[line - 1] = lines[line - 1][:column].rstrip() or "\0"
    return "\n".join(line for line in lines if line != "\0")


def plain(code: str) -> str:
    """The same code without what adds nothing: + 0.0, and 1.0 times."""
    code = re.sub(r" \+ 0(\.0)?(?![\w.])", "", code)
    return re.sub(r"(?<![\w.)*/] )(?<![\w.])1(\.0)? \* ", "", code)


def without_switch(code: str, name: str) -> str:
    """The code of a function whose argument `name` is always true, without it: a block that asks for it stays."""
    lines = code.replace(f", {name}: bool", "", 1).splitlines()
    start = lines.index(f"    if {name}:")
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("        ")), len(lines))
    return "\n".join([*lines[:start], *(line[4:] for line in lines[start + 1 : end]), *lines[end:]])
