"""Whole scripts: written of runs, carried out where Piste can't be imported, and held to what the runs logged."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from piste.training.recipe import Recipe
from piste.training.run import start_run
from piste.training.script import export_script

ROOT = Path(__file__).parents[3]
GUARD = """
import runpy, sys, torch
sys.modules["piste"] = None  # importing it fails
torch.set_num_threads(1)
for script in sys.argv[1:]:
    sys.argv = [script, "--log", script + ".jsonl"]
    runpy.run_path(script, run_name="__main__")
"""


def run_with_scripts(recipes: Mapping[str, dict[str, Any]], folder: Path) -> None:
    """A run and its script for each recipe, by name; the scripts are carried out in one process."""
    scripts = []
    for name, recipe in recipes.items():
        start_run(Recipe.parse(recipe), folder / name, echo=lambda _: None)
        scripts.append(str(folder / f"{name}.py"))
        export_script(folder / name, Path(scripts[-1]))
    done = subprocess.run([sys.executable, "-I", "-c", GUARD, *scripts], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def assert_same_training(folder: Path, name: str, *, steps: int = 4, rel: float = 1e-5, metric: float = 2e-3) -> None:
    """Every loss, term, rate and metric of the script is the run's.

    Args:
        folder: of the runs and scripts.
        name: of the run.
        steps: so many there are at least.
        rel: how far losses of training may differ, relatively; those of validation, ten times as far.
        metric: how far metrics may differ.
    """
    told = events(folder / f"{name}.py.jsonl")
    logged = events(folder / name / "events.jsonl")
    of_steps, of_epochs = ([event for event in logged if event["kind"] == kind] for kind in ("step", "epoch"))
    assert len(of_steps) >= steps
    for step, mine in zip(of_steps, [line for line in told if "step" in line], strict=True):
        assert (mine["epoch"], mine["step"]) == (step["epoch"], step["step"])
        assert mine["loss"] == pytest.approx(step["loss"], rel=rel)
        assert mine["terms"] == pytest.approx({k: term["raw"] for k, term in step["terms"].items()}, rel=rel)
        assert mine["lr"] == pytest.approx(step["lr"], rel=1e-9)
        _assert_same_rival(mine, step, rel)
    for epoch, mine in zip(of_epochs, [line for line in told if "val" in line], strict=True):
        assert mine["val"]["loss"] == pytest.approx(epoch["val"]["loss"], rel=10 * rel)
        _assert_same_rival(mine["val"], epoch["val"], 10 * rel)
        for key in (found := set(mine["val"]) - {"loss", "terms", "discriminator"}):
            assert mine["val"][key] == pytest.approx(epoch["val"]["metrics"][key], abs=metric, nan_ok=True)
        assert found or "discriminator" in mine["val"]  # images that are generated have no metric in a script


def _assert_same_rival(mine: dict[str, Any], event: dict[str, Any], rel: float) -> None:
    """The discriminator, where there is one, paid the same."""
    rival = mine.get("discriminator")
    assert (rival is None) == ("discriminator" not in event)
    if rival is not None:
        assert rival["loss"] == pytest.approx(event["discriminator"]["loss"], rel=rel)
        raw = {name: term["raw"] for name, term in event["discriminator"]["terms"].items()}
        assert rival["terms"] == pytest.approx(raw, rel=rel)


def assert_reads_well(script: Path, *, lines: int = 350) -> None:
    """A script is short and formatted as usual, and does not speak of Piste."""
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < lines
    assert text.count("Piste") == 1  # the run that it is of
    assert "piste" not in text
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml")]
    for call in (["format", "--check", "--diff"], ["check", "--extend-ignore", "D"]):
        said = subprocess.run([str(ruff), *call, *settings, str(script)], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout
