"""The command line's options are frozen here: a new one is a decision."""

from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from piste.cli.app import app
from tests.cli.conftest import Said

FROZEN = {
    "run": {"recipe", "--set", "--name", "--runs"},
    "resume": {"run", "--runs"},
    "demo": {"--epochs", "--runs"},
    "runs": {"--runs"},
    "compare": {"names", "--out", "--runs"},
    "export": {"run", "--onnx", "--torch", "--script", "--out", "--runs"},
    "predict": {"run", "images", "--out", "--runs"},
    "recipes": {"name"},
    "schema": {"--task", "--out"},
    "report": {"run", "--runs"},
    "losses": {"name", "--task"},
    "weights": {"data", "--classes"},
    "check": {"subject", "--task"},
    "data check": {"data", "--classes"},
}


def options_of(parameters: Iterable[Any]) -> set[str]:
    """Long names of options, plain names of arguments."""
    named = (max(p.opts, key=len) if isinstance(p, TyperOption) else p.name for p in parameters)
    return {name for name in named if not name.endswith("-completion")}


def test_the_options_are_those_decided_on() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    found = {}
    for name, command in root.commands.items():
        inner = command.commands if isinstance(command, TyperGroup) else {"": command}
        found |= {f"{name} {sub}".strip(): options_of(c.params) for sub, c in inner.items()}
    assert found == FROZEN


def test_every_command_explains_itself(piste: Callable[..., Said]) -> None:
    for name in FROZEN:
        said = piste(*name.split(), "--help")
        assert said.code == 0
        assert len(said.out.splitlines()) > 5
