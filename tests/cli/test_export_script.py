"""`piste export --script`: a file of plain PyTorch that trains the same model, step by step, without Piste."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from piste.training.recipe import Recipe
from piste.training.run import start_run
from piste.training.script import export_script
from tests.cli.conftest import Said, draw, recipe_for

SGD = {"sgd": {"lr": 0.05}}  # whose steps are as long as gradients; Adam makes whole steps of rounding errors
WEIGHTED = {"cross_entropy": {"weight": [1.0, 5.0]}}
MOVING_FOCAL = {"focal": {"gamma": {"ramp": {"from": 0.0, "to": 2.0, "epochs": 2}}}}
CASES: dict[str, dict[str, Any]] = {
    "weights_and_ignored_pixels": {
        "loss": WEIGHTED,
        "scheduler": {"cosine": {"warmup": 0.5}},
        "clip": 1.0,
        "ema": 0.9,
    },
    "a_sum_with_a_ramp": {
        "loss": {
            "sum": [
                "generalized_dice",
                MOVING_FOCAL | {"scale": {"ramp": {"from": 0.1, "to": 1.0, "epochs": 2}}, "name": "what_is_hard"},
                {"lovasz": {"weight": "inverse"}, "scale": 0.1},
                "cross_entropy_iou",
            ]
        },
    },
    "a_cycle": {
        "loss": {
            "cycle": {
                "times": 2,
                "phases": [
                    {"loss": WEIGHTED, "until": "recall >= 0", "at_most": 3},
                    {"loss": {"jaccard": {"classes": ["lake"]}}, "epochs": 1, "lr": 0.1, "reset_optimizer": True},
                ],
            }
        },
        "epochs": 4,
    },
    "sigmoid_augmented_in_halves": {
        "model": {"encoder": "resnet18", "depth": 3, "width": 16, "activation": "sigmoid"},
        "loss": {"sum": [{"focal": {"alpha": 0.75}}, {"tversky": {}, "scale": 0.5}, {"watch": "dice"}]},
        "accumulate": 2,
        "batch_size": 2,
        "scheduler": {"multistep": {"milestones": [1]}},
        "augment": ["horizontal_flip", "rotate", {"crop": {"height": 40, "width": 24}}, "colour_jitter"],
    },
}
DIGITS: dict[str, Any] = {
    "task": "classification",
    "data": {
        "path": "digits",
        "normalize": "data",
        "limit": {"train": 97, "val": 20},  # one image is left over, which training does without
        "label_noise": {"rate": 0.3},
        "augment": ["rotate", "gaussian_noise"],
    },
    "model": {"name": "small_cnn", "channels": 1, "width": 4, "depth": 2},
    "loss": {"cross_entropy": {"label_smoothing": 0.1}},
    "optimizer": {"adamw": {"lr": 0.001}},
    "scheduler": {"one_cycle": {"pct_start": 0.5}},
    "batch_size": 32,
    "epochs": 2,
    "workers": 0,
    "device": "cpu",
}
GUARD = """
import runpy, sys, torch
sys.modules["piste"] = None  # importing it fails
torch.set_num_threads(1)
for script in sys.argv[1:]:
    sys.argv = [script, "--log", script + ".jsonl"]
    runpy.run_path(script, run_name="__main__")
"""


def ignore_a_column(masks: Path) -> None:
    """Mark pixels at the left of each mask as unknown."""
    for file in masks.iterdir():
        with Image.open(file) as mask:
            pixels = np.array(mask)
        pixels[:, :5] = 128
        Image.fromarray(pixels).save(file)


def labelled(folder: Path) -> dict[str, Any]:
    """Images of noise that have several labels or none, and a recipe that learns them by heart."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    rows = ["path,labels"]
    for i in range(14):
        Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8)).save(folder / f"{i}.png")
        rows.append(f"{i}.png,{('cat;dog', 'dog', '', 'cat')[i % 4]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    data = {"path": str(folder), "split": {"ratio": [0.6, 0.4]}, "prepare": [{"resize": {"height": 8, "width": 8}}]}
    model = {"name": "small_cnn", "width": 4, "depth": 2, "activation": "sigmoid", "prior": 0.1}
    loss = {"asymmetric": {"clip": 0.0}}
    return DIGITS | {"data": data, "model": model, "loss": loss, "batch_size": 4, "scheduler": "constant"}


ALL = [*CASES, "digits", "labels"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and its script for each case, the scripts carried out in one process that can't import Piste."""
    folder = tmp_path_factory.mktemp("scripts")
    draw(folder / "discs", count=11)
    ignore_a_column(folder / "discs" / "masks")
    scripts = []
    for name, changes in CASES.items():
        changes = dict(changes)
        recipe = recipe_for(folder / "discs", optimizer=SGD)
        recipe["data"] |= {"ignore": 128, "augment": changes.pop("augment", [])}
        start_run(Recipe.parse(recipe | changes), folder / name, echo=lambda _: None)
        scripts.append(folder / f"{name}.py")
        export_script(folder / name, scripts[-1])
    for name, recipe in {"digits": DIGITS, "labels": labelled(folder / "labelled")}.items():
        start_run(Recipe.parse(recipe), folder / name, echo=lambda _: None)
        scripts.append(folder / f"{name}.py")
        export_script(folder / name, scripts[-1])
    subprocess.run([sys.executable, "-I", "-c", GUARD, *map(str, scripts)], check=True, capture_output=True)
    return folder


def events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", ALL)
def test_a_script_finds_the_losses_of_the_run_step_by_step(runs: Path, name: str) -> None:
    told = events(runs / f"{name}.py.jsonl")
    logged = events(runs / name / "events.jsonl")
    steps, epochs = ([event for event in logged if event["kind"] == kind] for kind in ("step", "epoch"))
    assert len(steps) >= 4
    for step, mine in zip(steps, [line for line in told if "step" in line], strict=True):
        assert (mine["epoch"], mine["step"]) == (step["epoch"], step["step"])
        assert mine["loss"] == pytest.approx(step["loss"], rel=1e-5)
        assert mine["terms"] == pytest.approx({k: term["raw"] for k, term in step["terms"].items()}, rel=1e-5)
        assert mine["lr"] == pytest.approx(step["lr"], rel=1e-9)
    for epoch, mine in zip(epochs, [line for line in told if "val" in line], strict=True):
        assert mine["val"]["loss"] == pytest.approx(epoch["val"]["loss"], rel=1e-4)
        metrics = epoch["val"]["metrics"]
        for metric in set(mine["val"]) - {"loss", "terms"}:
            assert mine["val"][metric] == pytest.approx(metrics[metric], abs=2e-3)


@pytest.mark.parametrize("name", ALL)
def test_a_script_is_short_and_formatted_as_usual_and_does_not_speak_of_piste(runs: Path, name: str) -> None:
    script = runs / f"{name}.py"
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < 350
    assert text.count("Piste") == 1  # the run that it is of
    assert "piste" not in text
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(Path(__file__).parents[2] / "pyproject.toml")]
    for call in (["format", "--check", "--diff"], ["check", "--extend-ignore", "D"]):
        said = subprocess.run([str(ruff), *call, *settings, str(script)], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout


def test_what_a_script_can_not_do_is_refused_by_name(
    piste: Callable[..., Said], write_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    for changes, words in (
        ({"loss": "boundary"}, "a script can't hold a loss that reads distance"),
        ({"loss": "bi_tempered"}, "`loss`: a script can't hold bi_tempered; it can hold"),
        ({"precision": "bf16"}, "`precision`: a script computes in float32"),
        ({"scheduler": "plateau"}, "`scheduler`: a script can't have plateau"),
        ({"early_stopping": {"metric": "iou"}}, "`early_stopping`"),
        ({"data": {"augment": ["copy_paste"], "background": "background"}}, "a script can't do copy_paste; it can do"),
    ):
        run = tmp_path / "runs" / "refused"
        run.mkdir(parents=True, exist_ok=True)
        (run / "recipe.yaml").write_text(yaml.safe_dump(yaml.safe_load(write_recipe(**changes).read_text())))
        said = piste("export", "refused", "--script", "--runs", tmp_path / "runs")
        assert (said.code, words in said.err) == (2, True), said.err
        assert not (run / "train.py").exists()
