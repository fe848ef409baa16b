"""Generation as a script: both players pay what they paid in the run, step by step, without Piste."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from piste.training.recipe import Recipe
from piste.training.script import export_script
from tests.data.files import picture, save
from tests.tasks.generation.test_generation import digits, toy
from tests.training.script.whole import assert_reads_well, assert_same_training, events, run_with_scripts

SGD = {"sgd": {"lr": 0.05}}  # whose steps are as long as gradients; Adam makes whole steps of rounding errors
PENALTY = {"gradient_penalty": {"center": {"ramp": {"from": 0.2, "to": 1.0, "epochs": 2}}}}
FROM_NOTHING = {"ramp": {"from": 0.0, "to": 1.0, "epochs": 2}}
POINTS: dict[str, dict[str, Any]] = {
    "penalty_to_nothing": {
        "loss": {"sum": ["non_saturating", {"gradient_penalty": {"weight": 1.0, "center": 0.0}}]},
        "discriminator": {"width": 8, "norm": "spectral"},
        "clip": 0.3,
        "ema": 0.9,
    },
    "several_steps_with_cut_weights": {
        "loss": {"sum": ["wasserstein", PENALTY, {"watch": "hinge"}]},
        "discriminator": {"width": 8, "steps": 3, "weight_clip": 0.2, "lr": 0.02},
        "scheduler": {"cosine": {"warmup": 0.5}},
        "ema": 0.5,
    },
    "ramps": {
        "loss": {
            "sum": [
                {"least_squares": {"c": {"ramp": {"from": 0.5, "to": 1.0, "epochs": 2}}}, "scale": FROM_NOTHING},
                {"gradient_penalty": {"weight": 2.0}, "scale": FROM_NOTHING},
            ]
        },
        "discriminator": {"name": "mlp", "width": 8, "layers": 1},
        "scheduler": {"exponential": {"gamma": 0.8}},
    },
    "phases": {
        "loss": {
            "sequence": [
                {"loss": "minimax", "until": "high_quality >= 0", "at_most": 2},
                {"loss": {"sum": ["hinge", {"least_squares": {"a": -1.0, "c": 0.0}}]}, "lr": 0.5, "epochs": 1},
                {"loss": "minimax", "reset_optimizer": True},
            ]
        },
        "optimizer": {"sgd": {"lr": 0.02, "momentum": 0.5}},
        "discriminator": {"width": 8, "lr": 0.04},
        "epochs": 4,
    },
}


def images(folder: Path) -> dict[str, dict[str, Any]]:
    """Recipes of images, among them a folder of noise in colour."""
    for i in range(14):
        save(folder / "noise" / f"{i:02}.png", picture(i, 9 + i % 2, 12))
    steps = {
        "prepare": [{"resize": {"height": 8, "width": 12}}],
        "augment": ["horizontal_flip"],
        "evaluate": [{"equalize": {"p": 1.0}}],
    }
    plain = {"path": str(folder / "noise"), "split": {"ratio": [0.7, 0.3]}}
    pair = {"model": {"latent": 3, "width": 4}, "loss": "hinge"}
    return {
        "dcgan": digits(discriminator={"width": 4}, loss="non_saturating", optimizer=SGD),
        "spectral": digits(**pair, discriminator={"width": 4, "norm": "spectral", "steps": 2}, optimizer=SGD),
        "of_files": toy(
            data=plain | steps,
            model={"name": "dcgan", "latent": 3, "width": 4},
            discriminator={"width": 4, "norm": "instance"},
            loss={"sum": ["hinge", "gradient_penalty"]},
            optimizer={"sgd": {"lr": 0.01}},
            batch_size=4,
        ),
        "mlp_of_images": digits(
            data={"path": "digits", "limit": {"train": 32, "val": 20, "test": 16}, "grey": False},
            model={"name": "mlp", "latent": 3, "width": 8},
            discriminator={"name": "dcgan", "width": 4, "norm": "none"},
            loss="wasserstein",
            optimizer=SGD,
            batch_size=8,
        ),
    }


IMAGES = ["dcgan", "spectral", "of_files", "mlp_of_images"]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    recipes = {name: toy(optimizer=SGD) | case for name, case in POINTS.items()} | images(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("piste.tasks.generation.judge.STEPS", 12)
        run_with_scripts({name: recipe | {"device": "cpu"} for name, recipe in recipes.items()}, folder)
    return folder


@pytest.mark.parametrize("name", [*POINTS, *IMAGES])
def test_a_script_finds_what_both_players_paid(scripts: Path, name: str) -> None:
    assert_same_training(scripts, name, metric=1e-6)
    val = events(scripts / f"{name}.py.jsonl")[-1]["val"]
    metrics = {"modes_covered", "high_quality"} if name in POINTS else set()
    assert set(val) == {"loss", "terms", "discriminator"} | metrics


@pytest.mark.parametrize("name", [*POINTS, *IMAGES])
def test_a_script_reads_well(scripts: Path, name: str) -> None:
    assert_reads_well(scripts / f"{name}.py", lines=420)


def test_a_script_says_what_it_does_not_measure(scripts: Path) -> None:
    told = (scripts / "dcgan.py").read_text("utf-8").partition('"""\n\n')[0]
    assert re.search(r"It has no Fréchet distance and no sample precision and recall, which change no number", told)


def test_a_phase_that_waits_for_a_distance_is_refused_by_name(tmp_path: Path) -> None:
    loss = {"sequence": [{"loss": "hinge", "until": "frechet_distance <= 1"}, "minimax"]}
    recipe = Recipe.parse(toy(loss=loss))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")), "utf-8")
    with pytest.raises(ValueError, match="`until`: a script knows modes_covered, high_quality, and not frechet_dist"):
        export_script(tmp_path, tmp_path / "train.py")
