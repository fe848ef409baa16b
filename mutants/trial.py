"""What the suite says of one mutant, tried in a process of its own where the changed file stands for the real one."""

import contextlib
import importlib.abc
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from itertools import islice
from pathlib import Path
from types import ModuleType

from mutants.plant import Mutant

ROOT = Path(__file__).parents[1]
LOSSES = ROOT / "src" / "piste" / "losses"
FAMILIES = ("labels", "regions", "values", "boundaries", "boxes", "sequences", "adversarial", "features")
LATE = ("compiled_equals_eager", "kernels_of_inductor_equal_eager", "a_keyword_that_moves_is_not_compiled_anew")
"""Promises that take long, and rarely see what no other does: left out."""
MOST = 4
"""How many losses judge a change in what many share."""


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant's source where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.path = LOSSES / mutant.file
        parts = Path(mutant.file).with_suffix("").parts
        self.name = ".".join(("piste", "losses", *parts)).removesuffix(".__init__")
        self.source = mutant.source

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), vars(module))


def judge(mutant: Mutant, *, most: int | None = None) -> str | None:
    """The first part of the suite that fails on the mutant; None if it survives. Call it where nothing is imported.

    Args:
        mutant: The bug.
        most: How many parts are tried; None for all.
    """
    sys.meta_path.insert(0, _Planted(mutant))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return next((name for name, failed in islice(_parts(mutant), most) if failed), None)
        except BaseException as error:
            return f"{type(error).__name__}: {error}"


def _parts(mutant: Mutant) -> Iterator[tuple[str, bool]]:
    """Each part of the suite by name, and whether it fails, the quick ones first."""
    import torch

    torch.set_num_threads(1)
    os.chdir(ROOT)
    from piste.losses.contract import PROMISES

    judged = _judges(mutant.file)
    first, *promises = [name for name in PROMISES if name not in LATE]
    for spec in judged:
        yield f"{first} of {spec.name}", _breaks(PROMISES[first], spec)
    for file in _tests(mutant.file):
        yield file, _pytest(file)
    for spec in judged:
        for name in promises:
            yield f"{name} of {spec.name}", _breaks(PROMISES[name], spec)
    family = Path(mutant.file).parts[0]
    for file in [f"tests/losses/witnesses/test_{family}.py"] if family in FAMILIES else []:
        yield file, (ROOT / file).exists() and _pytest(file)


def _breaks(promise, spec) -> bool:  # type: ignore[no-untyped-def]  # of a package that is not imported yet
    if not promise.concerns(spec):
        return False
    with warnings.catch_warnings(action="error"):
        try:
            promise.keep(spec)
        except Exception:
            return True
    return False


def _pytest(file: str) -> bool:
    import pytest

    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", file]) not in (0, 5)


def _tests(file: str) -> list[str]:
    """The test files that are about a source file."""
    *rooms, stem = Path(file).with_suffix("").parts
    names = [
        f"test_{stem}.py",
        *(f"test_{room}_{stem}.py" for room in rooms),
        *(f"test_{room}_base.py" for room in rooms),
    ]
    return [f"tests/losses/{name}" for name in dict.fromkeys(names) if (ROOT / "tests" / "losses" / name).exists()]


def _judges(file: str) -> list:  # type: ignore[type-arg]  # of a package that is not imported yet
    """The losses that run the code of a file, nearest first and from every family; the most of them for common code."""
    from piste.losses import catalogue

    module = ".".join(("piste", "losses", *Path(file).with_suffix("").parts))
    users = [spec for spec in catalogue().values() if module in _imports(spec.cls.__module__)]
    own = [spec for spec in users if spec.cls.__module__ == module]
    others = [spec for spec in users if spec not in own]
    others.sort(key=lambda spec: FAMILIES.index(spec.family))
    places = {spec.name: sum(o.family == spec.family for o in others[:i]) for i, spec in enumerate(others)}
    return [*own, *sorted(others, key=lambda spec: places[spec.name])][:MOST]


def _imports(module: str) -> set[str]:
    """The module and all of ours that it imports, directly or not."""
    found, new = set(), {module}
    while new:
        found |= new
        texts = [Path(sys.modules[name].__file__ or "").read_text("utf-8") for name in new if name in sys.modules]
        named = {
            line.split()[1] for text in texts for line in text.splitlines() if line.startswith("from piste.losses")
        }
        new = named - found
    return found
