"""The rooms of the package: a file imports only from rooms above its own, and the library needs torch alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "piste"

LIBRARY = ["names", "losses", "balance", "objective"]
WORKBENCH = ["metrics", "data", "models", "tasks", "training", "report", "cli"]
ROOMS = [*LIBRARY, "piste", *WORKBENCH]
"""From the top down. `balance` stands above `objective`, whose recipes have class weights in them; the package itself
re-exports the library, so the workbench may import it and the library may not."""


def room_of(module):
    """The room of `piste.losses.labels.focal` is losses; that of `piste` is piste."""
    return module.split(".")[1] if "." in module else module


def imported(source, package):
    """Every module of ours that a file imports, at its top or within a function, as it is called in full."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            modules |= {f"{module}.{alias.name}" for alias in node.names} if module == "piste" else {module}
    return {module for module in modules if module.split(".")[0] == "piste"}


def trespasses(source, module, *, is_package=False):
    """The rooms below its own that a file imports from."""
    room = room_of(module)
    package = module if is_package else module.rpartition(".")[0]
    above = [*ROOMS[: ROOMS.index(room) + 1], "__version__"]
    return {there for there in map(room_of, imported(source, package)) if there not in above}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rooms_above_its_own(path):
    parts = ("piste", *path.relative_to(PACKAGE).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    below = trespasses(path.read_text("utf-8"), module, is_package=is_package)
    assert not below, f"{module} imports from {', '.join(sorted(below))}; the rooms from the top are {', '.join(ROOMS)}"


def test_every_room_is_in_the_list():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__"} == {*LIBRARY, *WORKBENCH}


@pytest.mark.parametrize(
    ("source", "module", "below"),
    [
        ("from piste.objective import Sum", "piste.losses.base", {"objective"}),
        ("def f():\n    import piste.training.loop", "piste.metrics.pixels", {"training"}),
        ("from piste import cli", "piste.report.page", {"cli"}),
        ("from ..objective.sum import Sum", "piste.losses.base", {"objective"}),
        ("from . import terms", "piste.objective.sum", set()),
        ("from piste.losses import Dice\nimport torch, pisted", "piste.objective.sum", set()),
        ("from piste import __version__", "piste.report.page", set()),
        ("import piste", "piste.report.page", set()),
        ("import piste", "piste.balance", {"piste"}),
        ("from piste import losses", "piste", set()),
        ("from piste import data", "piste", {"data"}),
    ],
)
def test_the_check_sees_what_it_should(source, module, below):
    assert trespasses(source, module) == below


IMPORTS = "piste.losses, piste.losses.contract, piste.objective, piste.objective.recipe, piste.balance"


def loaded_by(statement):
    """The top-level modules that are loaded after a statement ran in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def third_party(names):
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")}


def test_the_library_needs_torch_alone():
    ours, theirs = loaded_by(f"import {IMPORTS}"), loaded_by("import torch")
    assert "torch" in theirs
    assert third_party(ours) - third_party(theirs) == {"piste"}


def test_that_check_sees_what_it_should():
    assert "yaml" in third_party(loaded_by("import yaml"))
