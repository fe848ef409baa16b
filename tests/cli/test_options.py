"""The command line's options are frozen here: a new one is a decision."""

from collections.abc import Callable

import click
import typer

from piste.cli.app import app
from tests.cli.conftest import Said

FROZEN = {
    "run": {"recipe", "--set", "--name", "--runs"},
    "resume": {"run", "--runs"},
    "demo": {"--epochs", "--runs"},
    "runs": {"--runs"},
    "compare": {"names", "--out", "--runs"},
    "report": {"run", "--runs"},
    "losses": {"name", "--task"},
    "weights": {"data", "--classes"},
    "check": {"subject", "--task"},
    "data check": {"data", "--classes"},
}


def options_of(command: click.Command) -> set[str]:
    return {
        max(parameter.opts, key=len) if isinstance(parameter, click.Option) else str(parameter.name)
        for parameter in command.params
        if parameter.name != "help"
    }


def test_the_options_are_those_decided_on() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, click.Group)
    found = {}
    for name, command in root.commands.items():
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        found |= {f"{name} {sub}".strip(): options_of(c) for sub, c in inner.items()}
    assert found == FROZEN


def test_every_command_explains_itself(piste: Callable[..., Said]) -> None:
    for name in FROZEN:
        said = piste(*name.split(), "--help")
        assert said.code == 0
        assert len(said.out.splitlines()) > 5
