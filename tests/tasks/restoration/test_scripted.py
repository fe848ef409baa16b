"""Restoration as a script: the losses and metrics of the run, without Piste."""

from pathlib import Path
from typing import Any

import pytest

from piste.training.recipe import Recipe
from piste.training.script import script_of
from tests.data.files import picture, save
from tests.training.script.whole import assert_reads_well, assert_same_training, events, run_with_scripts

BASE: dict[str, Any] = {
    "task": "restoration",
    "optimizer": {"sgd": {"lr": 0.02}},
    "epochs": 2,
    "batch_size": 3,
    "device": "cpu",
}
CROP = {"crop": {"height": 16, "width": 20}}
WEAK = {"gradient_penalty": {"weight": 0.1}}
PENALISED = {"sum": ["charbonnier", {"wasserstein": {}, "scale": 0.01}, "gradient_penalty"]}
QUALITY = {"psnr", "ssim", "mae"}
METRICS = QUALITY | {"gain", "improved"} | {f"input_{name}" for name in QUALITY}


def images(folder: Path) -> Path:
    """Images of noise, two sizes among those to validate."""
    rows = ["name,split"]
    for i in range(12):
        save(folder / f"{i:02}.png", picture(i, 25, 24 if i != 9 else 31) // 2 + 60)
        rows.append(f"{i:02},{'val' if i > 7 else 'train'}")
    (folder / "split.csv").write_text("\n".join(rows))
    return folder


def pairs(folder: Path) -> Path:
    """Inputs, and targets that are their negatives."""
    for i in range(10):
        save(folder / "input" / f"{i}.png", picture(i, 12, 10))
        save(folder / "target" / f"{i}.png", 255 - picture(i, 12, 10))
    return folder


def recipes(folder: Path) -> dict[str, dict[str, Any]]:
    several = [
        "charbonnier",
        {"ssim": {}, "scale": {"ramp": {"from": 0.0, "to": 0.2, "epochs": 2}}},
        {"multi_scale_ssim": {"window": 5, "exponents": [0.4, 0.6]}, "scale": 0.1},
        {"total_variation": {"isotropic": True}, "scale": 0.01},
        {"perceptual": {"network": "vgg11", "layers": ["features.4"], "weights": "random"}, "scale": 0.01},
        {"watch": "squared_error"},
    ]
    phases = [{"loss": "huber", "epochs": 1}, {"loss": "absolute_error", "until": "gain > 0", "at_most": 2}]
    return {
        "clean": {
            "data": {
                "path": str(images(folder / "noise")),
                "degrade": [{"downscale": {"factor": 2}}, {"noise": {"sigma": [0.0, 0.1]}}],
                "augment": ["horizontal_flip", {"crop": {"height": 16, "width": 20}}],
            },
            "model": {"name": "unet", "width": 4, "depth": 2},
            "loss": {"sum": several},
        },
        "pairs": {
            "data": {"path": str(pairs(folder / "negatives")), "split": {"ratio": [0.6, 0.4]}},
            "model": {"name": "edsr", "width": 6, "blocks": 2},
            "loss": {"sequence": phases},
            "epochs": 3,
            "ema": 0.9,
        },
        "patches": {
            "data": {"path": str(folder / "noise"), "degrade": [{"noise": {}}], "augment": [CROP]},
            "model": {"name": "edsr", "width": 6, "blocks": 2},
            "discriminator": {"width": 4, "layers": 2, "lr": 0.01},
            "loss": {"sum": ["charbonnier", {"hinge": {}, "scale": 0.05}, {"least_squares": {}, "scale": 0.01}]},
            "clip": 1.0,
        },
        "patches_after_pixels": {
            "data": {"path": str(folder / "negatives"), "split": {"ratio": [0.6, 0.4]}},
            "model": {"name": "unet", "width": 4, "depth": 1},
            "discriminator": {"width": 4, "layers": 1, "norm": "instance", "lr": 0.001},
            "loss": {
                "sequence": [
                    {"loss": "absolute_error", "epochs": 1},
                    {"loss": {"sum": ["absolute_error", {"wasserstein": {}, "scale": 0.02}, WEAK]}},
                ]
            },
            "epochs": 3,
            "optimizer": {"sgd": {"lr": 0.005}},
        },
    }


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    run_with_scripts({name: BASE | case for name, case in recipes(folder).items()}, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("clean", METRICS),
        ("pairs", METRICS - {"ssim", "input_ssim"}),
        ("patches", METRICS | {"discriminator"}),
        ("patches_after_pixels", METRICS - {"ssim", "input_ssim"} | {"discriminator"}),
    ],
)
def test_a_script_finds_the_losses_and_metrics_of_its_run(scripts: Path, name: str, metrics: set[str]) -> None:
    assert_same_training(scripts, name, metric=1e-3)
    assert set(events(scripts / f"{name}.py.jsonl")[-1]["val"]) == metrics | {"loss", "terms"}
    assert_reads_well(scripts / f"{name}.py", lines=500)


@pytest.mark.parametrize(
    ("loss", "words"),
    [(PENALISED, "`loss`: a script draws the shares of gradient_penalty otherwise where images for validation differ")],
)
def test_what_a_script_can_not_hold_is_refused_by_name(tmp_path: Path, loss: Any, words: str) -> None:
    data = {
        "path": str(images(tmp_path)),
        "degrade": [{"noise": {}}],
        "augment": [{"crop": {"height": 24, "width": 24}}],
    }
    discriminator = {"width": 4, "norm": "none"}
    recipe = Recipe.parse(BASE | {"data": data, "loss": loss, "discriminator": discriminator})
    with pytest.raises(ValueError, match=words):
        script_of(recipe, recipe.open(), "refused")
