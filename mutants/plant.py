"""Bugs to plant in a source file: each is one small change of the kind that losses have really been shipped with."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SAID = 60
"""How much of a changed line is shown."""


@dataclass(frozen=True)
class Mutant:
    """A planted bug.

    Args:
        file: The file, relative to the package.
        kind: What kind of bug.
        line: Where.
        before: The piece of source that is replaced, in one line.
        after: What it is replaced by.
        number: Which of the equal pieces of the line it is, from 0.
        source: The whole file with the bug in it.
    """

    file: str
    kind: str
    line: int
    before: str
    after: str
    number: int
    source: str

    @property
    def key(self) -> str:
        """What tells it from others and stays when lines move."""
        return f"{self.file}: {self.before} -> {self.after}" + (f" ({self.number + 1})" if self.number else "")


Change = tuple[str, ast.expr | ast.stmt, str]
"""Kind of bug, the node that is replaced, the source that replaces it."""

SWAPPED = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
NEARBY = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
OPPOSITE = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "amax": "amin", "amin": "amax"}
OPPOSITE |= {"sigmoid": "tanh", "logsigmoid": "tanh", "cummax": "cummin", "cummin": "cummax", "relu": "abs"}
DROPPED = ("detach", "clamp", "clamp_", "abs", "square", "sqrt", "neg", "widen", "float")
NOTHING = ("mask", "keep", "count", "counts", "sample_weight", "weight", "_weight", "ignore_index")
EPSILONS = ("eps", "epsilon", "tiny", "smooth")


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Every bug that can be planted in a file of losses.

    What a loss declares of itself, its plain reference and its texts are left alone: they are the exam, not the answer.
    """
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    data, seen = source.encode(), {}
    for kind, node, replacement in _changes(tree, _references(tree)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = " ".join(data[begin:end].decode().split())
        if before == replacement:
            continue
        mutated = (data[:begin] + replacement.encode() + data[end:]).decode()
        try:
            ast.parse(mutated)
        except SyntaxError:
            continue
        number = seen.get((before, replacement), 0)
        seen[before, replacement] = number + 1
        yield Mutant(file, kind, node.lineno, before, replacement, number, mutated)


def _references(tree: ast.Module) -> set[str]:
    """Names of the functions that a declaration calls its reference, and of those that these call."""
    named = {
        keyword.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "loss"
        for keyword in node.keywords
        if keyword.arg in ("reference", "tendency") and isinstance(keyword.value, ast.Name)
    }
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    used = {name.id for cls in classes for name in ast.walk(cls) if isinstance(name, ast.Name)}
    while True:
        called = {
            name.id
            for function in named & functions.keys()
            for name in ast.walk(functions[function])
            if isinstance(name, ast.Name) and name.id in functions and name.id not in used
        }
        if called <= named:
            return named
        named |= called


def _changes(tree: ast.Module, references: set[str]) -> Iterator[Change]:
    """Changes of all code but references, declarations, annotations and texts."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name not in ("__repr__", "__str__"):
                    yield from _of_function(member)
        elif isinstance(node, ast.FunctionDef) and node.name not in references:
            yield from _of_function(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.UnaryOp | ast.BinOp):
            yield from _of_tree(node.value)


def _of_function(function: ast.FunctionDef) -> Iterator[Change]:
    """Changes within a function: of its body, not of its signature's types or its docstring."""
    for statement in function.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        yield from _of_tree(statement)
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    for one, other in pairwise(names):
        yield from _swapped(function, one, other, lambda node: node.id if isinstance(node, ast.Name) else None)
    own = sorted({found for node in ast.walk(function) if (found := _own(node)) and not found.startswith("_")})
    for one, other in pairwise(own):
        if function.name != "__init__":
            yield from _swapped(function, one, other, _own)


def _own(node: ast.AST) -> str | None:
    """The attribute's name, of `self.attribute`."""
    plain = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if plain and isinstance(node.ctx, ast.Load) else None  # type: ignore[attr-defined]


def _swapped(
    function: ast.FunctionDef, one: str, other: str, named: Callable[[ast.AST], str | None]
) -> Iterator[Change]:
    """Two names that stand in one statement, swapped there."""
    for statement in function.body:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Return | ast.Assign):
                continue
            value = node.value
            found = {named(each) for each in ast.walk(value)} if value is not None else set()
            if {one, other} <= found and value is not None:
                swapped = _Swap(one, other, named).visit(ast.parse(ast.unparse(value), mode="eval").body)
                if _sorted(swapped) != _sorted(value):
                    yield "swap two parameters", value, ast.unparse(swapped)


def _sorted(node: ast.expr) -> str:
    """The source of an expression with the sides of sums and products in order, so that equal ones read alike."""
    return ast.unparse(_Sort().visit(ast.parse(ast.unparse(node), mode="eval").body))


class _Sort(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if not isinstance(node.op, ast.Add | ast.Mult):
            self.generic_visit(node)
            return node
        sides, waiting = [], [node.left, node.right]
        while waiting:
            side = waiting.pop()
            if isinstance(side, ast.BinOp) and type(side.op) is type(node.op):
                waiting += [side.left, side.right]
            else:
                sides.append(ast.unparse(self.visit(side)))
        sign = "+" if isinstance(node.op, ast.Add) else "*"
        return ast.parse(sign.join(f"({side})" for side in sorted(sides)), mode="eval").body


class _Swap(ast.NodeTransformer):
    def __init__(self, one: str, other: str, named: Callable[[ast.AST], str | None]) -> None:
        self.to = {one: other, other: one}
        self.named = named

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.to.get(self.named(node) or "", node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return ast.Attribute(self.visit(node.value), self.to.get(self.named(node) or "", node.attr), node.ctx)


def _of_tree(tree: ast.AST) -> Iterator[Change]:
    """Changes of every node of code below one."""
    for node in _code(tree):
        match node:
            case ast.BinOp(left, op, right) if type(op) in SWAPPED:
                if isinstance(op, ast.Add | ast.Sub) and _is_epsilon(right):
                    yield "drop eps", node, ast.unparse(left)
                a, b = (
                    f"({ast.unparse(side)})" if isinstance(side, ast.BinOp) else ast.unparse(side)
                    for side in (left, right)
                )
                kind = "wrong sign" if isinstance(op, ast.Add | ast.Sub) else "wrong operation"
                yield kind, node, f"({a} {SWAPPED[type(op)]} {b})"
            case ast.BinOp(left, ast.Pow(), _):
                yield "drop exponent", node, f"({ast.unparse(left)})"
            case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
                yield "wrong sign", node, f"({ast.unparse(operand)})"
            case ast.UnaryOp(ast.Not(), operand):
                yield "wrong condition", node, ast.unparse(operand)
            case ast.UnaryOp(ast.Invert(), operand):
                yield "wrong condition", node, ast.unparse(operand)
            case ast.Compare(left, [op], [right]) if type(op) in NEARBY:
                yield "off by one", node, f"{ast.unparse(left)} {NEARBY[type(op)]} {ast.unparse(right)}"
            case ast.IfExp(test, body, orelse):
                yield (
                    "wrong condition",
                    node,
                    f"({ast.unparse(orelse)} if {ast.unparse(test)} else {ast.unparse(body)})",
                )
            case ast.If(test):
                yield "wrong condition", test, f"not ({ast.unparse(test)})"
            case ast.Raise():
                yield "drop refusal", node, "pass"
            case ast.Constant(bool(value)):
                yield "wrong constant", node, str(not value)
            case ast.Constant(int(value)):
                yield "off by one", node, str(value + 1)
            case ast.Constant(float(value)):
                yield "wrong constant", node, repr(value * 2 if value else 1.0)
            case ast.Call():
                yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[Change]:
    """Changes of a call: what it is called on, which of two it is, and what it is not handed."""
    match node.func:
        case ast.Attribute(value, name):
            if name in DROPPED and not _is_module(value):
                yield "drop eps" if name.startswith("clamp") else "drop a step", node, ast.unparse(value)
            if name in OPPOSITE:
                called = ast.Call(ast.Attribute(value, OPPOSITE[name], ast.Load()), node.args, node.keywords)
                yield "wrong operation", node, ast.unparse(called)
            if name == "where" and len(node.args) == 3:
                condition, one, other = node.args
                yield "wrong condition", node, ast.unparse(ast.Call(node.func, [condition, other, one], []))
        case ast.Name("widen") if len(node.args) == 1:
            yield "drop a step", node, ast.unparse(node.args[0])
    for i, argument in enumerate(node.args):
        if _last_name(argument) in NOTHING:
            arguments = [*node.args[:i], ast.Constant(None), *node.args[i + 1 :]]
            yield "drop mask or weight", node, ast.unparse(ast.Call(node.func, arguments, node.keywords))
    for i, keyword in enumerate(node.keywords):
        others = [*node.keywords[:i], *node.keywords[i + 1 :]]
        if keyword.arg in ("low", "high", "above"):
            yield "drop refusal", node, ast.unparse(ast.Call(node.func, node.args, others))
        elif _last_name(keyword.value) in NOTHING:
            nothing = ast.keyword(keyword.arg, ast.Constant(None))
            yield "drop mask or weight", node, ast.unparse(ast.Call(node.func, node.args, [*others, nothing]))


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that is code: no texts, no types, nothing of what an error says."""
    if isinstance(tree, ast.JoinedStr | ast.AnnAssign):
        if isinstance(tree, ast.AnnAssign) and tree.value is not None:
            yield from _code(tree.value)
        return
    yield tree
    if isinstance(tree, ast.Raise):
        return
    for child in ast.iter_child_nodes(tree):
        if isinstance(tree, ast.Call) and child is tree.func and isinstance(child, ast.Attribute):
            yield from _code(child.value)
        elif isinstance(tree, ast.FunctionDef) and (child is tree.args or child is tree.returns):
            continue
        else:
            yield from _code(child)


def _is_epsilon(node: ast.expr) -> bool:
    return (_last_name(node) or "").lower().strip("_") in EPSILONS or (
        isinstance(node, ast.Constant) and 0 < abs(node.value) < 1e-3
    )


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("torch", "F", "math")


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
