"""Regression as a script: the losses and metrics of the run, without Piste."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.files import picture, save
from tests.training.script.whole import assert_reads_well, assert_same_training, events, run_with_scripts

BASE: dict[str, Any] = {
    "task": "regression",
    "model": {"name": "small_cnn", "width": 4, "depth": 2},
    "optimizer": {"sgd": {"lr": 0.01}},
    "epochs": 2,
    "batch_size": 6,
    "device": "cpu",
}
POINT = {"r2", "mae", "rmse"}
INTERVAL = {"interval_coverage", "interval_width"}


def brightness(folder: Path) -> Path:
    """Images of two sizes, whose brightness and its square are values."""
    rows = ["path,brightness,square,split"]
    for i in range(24):
        image = np.full((8 + i % 2, 10, 3), 9 * i, np.uint8) + picture(i, 8 + i % 2, 10) // 16
        save(folder / "some images" / f"no {i}.png", image)
        mean = image.mean() / 8
        rows.append(f"some images/no {i}.png,{mean},{round(mean**2)},{'val' if i % 4 == 1 else 'train'}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def recipes(folder: Path) -> dict[str, dict[str, Any]]:
    data = {"path": str(folder), "prepare": [{"resize": {"height": 8, "width": 8}}]}
    quantiles = {"name": "small_cnn", "width": 4, "depth": 2, "channels": 1, "quantiles": [0.1, 0.4, 0.9]}
    pixels = {"augment": ["horizontal_flip", "gaussian_noise"], "normalize": "data"}
    values = ["squared_error", "absolute_error", "huber", "log_cosh", "charbonnier", {"quantile": {"q": 0.7}}]
    return {
        "quantiles": {"data": data | pixels, "model": quantiles, "loss": "quantile"},
        "sum": {"data": data | {"values": ["brightness"]}, "loss": {"sum": values}, "accumulate": 2},
        "in_units": {
            "data": data | {"values": ["brightness"], "standardize": False},
            "loss": {"huber": {"delta": {"ramp": {"from": 1.0, "to": 5.0, "epochs": 2}}}},
            "optimizer": {"sgd": {"lr": 0.0001}},
        },
    }


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    cases = recipes(brightness(folder / "brightness"))
    run_with_scripts({name: BASE | case for name, case in cases.items()}, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("quantiles", {f"{m}{v}" for m in POINT | INTERVAL for v in ("", "/brightness", "/square")}),
        ("sum", POINT),
        ("in_units", POINT),
    ],
)
def test_a_script_finds_the_losses_and_metrics_of_its_run(scripts: Path, name: str, metrics: set[str]) -> None:
    assert_same_training(scripts, name, metric=1e-3)
    assert set(events(scripts / f"{name}.py.jsonl")[-1]["val"]) == metrics | {"loss", "terms"}
    assert_reads_well(scripts / f"{name}.py", lines=400)
