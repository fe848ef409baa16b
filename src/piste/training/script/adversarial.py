"""Adversarial losses as code: what each player pays, made of the prices of one score that the losses are written in."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from piste.losses import catalogue, spec_of
from piste.losses.adversarial.base import AdversarialLoss
from piste.losses.adversarial.gradient_penalty import GradientPenalty

if TYPE_CHECKING:
    from piste.training.script.losses import Losses

SCORES_OF_REAL, SCORES_OF_FAKE = "scores_of_real", "scores_of_fake"
"""What scores of real samples, and of those that the model made, are called where a discriminator pays for them."""


def of_model(losses: Losses, loss: AdversarialLoss, moving: Mapping[str, str], scores: str) -> str:
    """The call of what the model pays for the scores of what it made."""
    _, name = _game(losses, loss, moving)
    return f"{name}({', '.join([scores, *_used(loss.cost_of_failure, moving)])})"


def of_discriminator(losses: Losses, loss: AdversarialLoss, moving: Mapping[str, str]) -> str:
    """The call of what the discriminator pays for its scores."""
    name, _ = _game(losses, loss, moving)
    used = dict.fromkeys([*_used(loss.cost_of_real, moving), *_used(loss.cost_of_fake, moving)])
    return f"{name}({', '.join([SCORES_OF_REAL, SCORES_OF_FAKE, *used])})"


def of_slopes(losses: Losses, loss: GradientPenalty, moving: Mapping[str, str]) -> str:
    """The call of what the discriminator pays for its slopes."""
    settings = losses.settings(loss, tuple(moving))
    ones = ", 1" * (1 + losses.task.axes)
    length = "slopes.flatten(1).norm(dim=1)"
    if settings["center"] not in ("0.0", "0"):
        length = f"({length} - {settings['center']})"
    factor = f"{settings['weight']} * " if settings["weight"] not in ("1.0", "1") else ""
    takes = ["discriminator: nn.Module", "real: Tensor", "fake: Tensor", *(f"{name}: float" for name in moving)]
    lines = [
        f"share = torch.rand(len(real){ones}, device=real.device)",
        "mixed = fake + share * (real - fake)",
        "slopes = torch.func.grad(lambda samples: discriminator(samples).sum())(mixed)",
        f"return {factor}{length}.square().mean()",
    ]
    told = [line.replace("slope 1", f"slope {settings['center'].removesuffix('.0')}") for line in _described(loss)]
    name = losses.add_new(spec_of(loss).name, _rest(takes, told, lines))
    given = [f"{keyword}={value}" for keyword, value in moving.items()]
    return f"{name}({', '.join(['discriminator', 'real', 'fake', *given])})"


def _game(losses: Losses, loss: AdversarialLoss, moving: Mapping[str, str]) -> tuple[str, str]:
    """The names of the functions of what the discriminator and the model pay, which are written where they were not."""
    name, settings = _name(loss), losses.settings(loss, tuple(moving))

    def takes(scores: list[str], *costs: Callable[..., Any]) -> list[str]:
        used = dict.fromkeys(keyword for cost in costs for keyword in _used(cost, moving, called=False))
        return [*(f"{each}: Tensor" for each in scores), *(f"{keyword}: float" for keyword in used)]

    real, fake = (
        _mean_price(cost, settings, score) for cost, score in ((loss.cost_of_real, "real"), (loss.cost_of_fake, "fake"))
    )
    total = ast.unparse(_difference(real, fake))
    rest = _rest(takes(["real", "fake"], loss.cost_of_real, loss.cost_of_fake), _described(loss), [f"return {total}"])
    of_both = losses.add_new(f"{name}_discriminator", rest)
    told = [f'"""What the model pays, given the scores of what it made; see `{of_both}`."""']
    failure = ast.unparse(_mean_price(loss.cost_of_failure, settings, "fake"))
    rest = _rest(takes(["fake"], loss.cost_of_failure), told, [f"return {failure}"])
    return of_both, losses.add_new(f"{name}_model", rest)


def _name(loss: AdversarialLoss) -> str:
    """A loss's name in the catalogue.

    Raises:
        ValueError: it has none.
    """
    name = next((name for name, spec in catalogue().items() if spec.cls is type(loss)), None)
    if name is None:
        raise ValueError("`loss`: a script can't hold a custom loss; it is in a file of its own")
    return name


def _described(loss: Any) -> list[str]:
    """The description of a loss."""
    first = (type(loss).__doc__ or "").partition("\n")[0]
    return [f'"""{first}', "", f"Source: {spec_of(loss).source}.", '"""']


def _rest(takes: list[str], told: list[str], lines: list[str]) -> str:
    """A function from its arguments on."""
    inside = "\n".join(f"    {line}" if line else "" for line in [*told, *lines])
    return f"({', '.join(takes)}) -> Tensor:\n{inside}"


def _used(cost: Callable[..., Any], moving: Mapping[str, str], *, called: bool = True) -> list[str]:
    """Keywords that move and that a price reads, or how they are given."""
    nodes = [node for node in ast.walk(_parsed(cost)) if isinstance(node, ast.Attribute)]
    read = {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "self"}
    return [f"{keyword}={value}" if called else keyword for keyword, value in moving.items() if keyword in read]


def _difference(first: ast.expr, second: ast.expr) -> ast.expr:
    """The sum of two, without a minus that can be spared."""
    if isinstance(first, ast.UnaryOp) and not isinstance(second, ast.UnaryOp):
        return ast.BinOp(second, ast.Sub(), first.operand)
    return ast.BinOp(first, ast.Add(), second)


def _mean_price(cost: Callable[..., Any], settings: Mapping[str, str], score: str) -> ast.expr:
    """What a method such as `cost_of_real`, the mean price of scores, computes."""
    (answer,) = [node for node in ast.walk(_parsed(cost)) if isinstance(node, ast.Return)]
    known: dict[str, Any] = inspect.unwrap(cost).__globals__
    assert answer.value is not None
    return _Mean(known, settings, score).visit(answer.value)  # type: ignore[no-any-return]


class _Mean(ast.NodeTransformer):
    """Writes mean(score) and mean(score, price) out."""

    def __init__(self, known: Mapping[str, Any], settings: Mapping[str, str], score: str) -> None:
        self.known = known
        self.settings = settings
        self.score = ast.Name(score)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """`mean` of something."""
        assert isinstance(node.func, ast.Name)
        assert node.func.id == "mean"
        price = self.score if len(node.args) == 1 else self.price(node.args[1])
        return ast.Call(ast.Attribute(price, "mean"), [], [])

    def price(self, node: ast.expr) -> ast.expr:
        """The price of each score: what a function of ours returns first, or one that another function makes."""
        bound: dict[str, ast.expr] = {}
        if isinstance(node, ast.Call):
            make = _parsed(maker := self._found(node.func))
            given = [_Put({}, {}, self.settings).visit(each) for each in node.args]
            bound = {argument.arg: each for argument, each in zip(make.args.args, given, strict=True)}
            function, known = next(each for each in make.body if isinstance(each, ast.FunctionDef)), maker.__globals__
        else:
            function, known = _parsed(found := self._found(node)), found.__globals__
        bound[function.args.args[0].arg] = self.score
        for line in function.body:
            if isinstance(line, ast.Assign):
                assert isinstance(line.targets[0], ast.Name)
                bound[line.targets[0].id] = _Put(bound, known, {}).visit(line.value)
        last = function.body[-1]
        assert isinstance(last, ast.Return)
        assert isinstance(last.value, ast.Tuple), "price and slope"
        return _Put(bound, known, {}).visit(last.value.elts[0])  # type: ignore[no-any-return]

    def _found(self, node: ast.expr) -> Any:
        """The function that an expression names."""
        if isinstance(node, ast.Attribute):
            return getattr(self._found(node.value), node.attr)
        assert isinstance(node, ast.Name)
        return self.known[node.id]


class _Put(ast.NodeTransformer):
    """Puts expressions in place of names, numbers of constants, and settings in place of an object's attributes."""

    def __init__(self, bound: Mapping[str, ast.expr], known: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        self.bound = bound
        self.known = known
        self.settings = settings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A variable or a constant."""
        if node.id in self.bound:
            return self.bound[node.id]
        value = self.known.get(node.id)
        return ast.Constant(value) if isinstance(value, int | float) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A setting."""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return ast.parse(self.settings[node.attr], mode="eval").body
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Less 0 is nothing, and less a negative number is more."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Sub) and isinstance(node.right, ast.Constant) and node.right.value == 0:
            return node.left
        if isinstance(node.op, ast.Sub) and isinstance(node.right, ast.UnaryOp):
            return ast.BinOp(node.left, ast.Add(), node.right.operand)
        return node


def _parsed(function: Callable[..., Any]) -> ast.FunctionDef:
    node = ast.parse(dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node
