"""`piste export --script`: a file of plain PyTorch that trains the same model, step by step, without Piste."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.cli.conftest import Said, draw, recipe_for
from tests.training.script.whole import assert_reads_well, assert_same_training, run_with_scripts

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
    recipes = {"digits": DIGITS, "labels": labelled(folder / "labelled")}
    for name, changes in CASES.items():
        changes = dict(changes)
        recipe = recipe_for(folder / "discs", optimizer=SGD)
        recipe["data"] |= {"ignore": 128, "augment": changes.pop("augment", [])}
        recipes[name] = recipe | changes
    run_with_scripts(recipes, folder)
    return folder


@pytest.mark.parametrize("name", ALL)
def test_a_script_finds_the_losses_of_the_run_step_by_step(runs: Path, name: str) -> None:
    assert_same_training(runs, name)


@pytest.mark.parametrize("name", ALL)
def test_a_script_is_short_and_formatted_as_usual_and_does_not_speak_of_piste(runs: Path, name: str) -> None:
    assert_reads_well(runs / f"{name}.py")


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
