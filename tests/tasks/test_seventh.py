"""A task of one's own is one file: everything else finds it, and works with it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from piste import tasks
from piste.losses import spec
from piste.metrics.names import METRICS
from piste.report.page import write_report
from piste.tasks.base import task_names
from piste.tasks.base.registry import task_class
from piste.training.recipe import Recipe, recipe_class
from piste.training.schema import recipe_schema
from tests.cli.conftest import Said, discs, piste  # noqa: F401  (fixtures)
from tests.training.tiny import events_of

Piste = Callable[..., Said]


@pytest.fixture
def seventh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file of a task, found where tasks are found."""
    filed = dict(spec._filed)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(Path(__file__).parent / "more")])
    yield
    sys.modules.pop("piste.tasks.keypoint", None)
    spec._filed.update(filed)
    METRICS.pop("distance_error", None)
    task_class.cache_clear()
    recipe_class.cache_clear()


def recipe(data: Path, **changes: Any) -> dict[str, Any]:
    return {
        "task": "keypoint",
        "data": {"path": str(data), "classes": {"background": 0, "lake": 255}},
        "model": {"name": "small_cnn", "width": 8, "depth": 2},
        "loss": {"sum": ["huber", {"absolute_error": {}, "scale": 0.5}]},
        "optimizer": {"adamw": {"lr": 0.01}},
        "epochs": 3,
        "batch_size": 3,
        "workers": 0,
        "device": "cpu",
    } | changes


@pytest.mark.usefixtures("seventh")
def test_it_trains_reports_predicts_and_compares(piste: Piste, discs: Path, tmp_path: Path) -> None:  # noqa: F811
    assert "keypoint" in task_names()
    runs, file = tmp_path / "runs", tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe(discs)))
    for name in ("one", "two"):
        assert piste("run", file, "--name", name, "--runs", runs).code == 0
    events = events_of(runs / "one", "epoch")
    errors = [event["val"]["metrics"]["distance_error"] for event in events]
    summary = json.loads((runs / "one" / "summary.json").read_text("utf-8"))
    assert summary["best"]["value"] == min(errors)
    assert summary["story"]["val"].startswith("missed the middle by")
    assert len(list((runs / "one" / "snapshots").glob("*.png"))) == 3
    page = write_report(runs / "one").read_text("utf-8")
    assert summary["story"]["val"] in page
    assert "Distance" in page
    assert piste("compare", "one", "two", "--runs", runs, "--out", tmp_path / "c").code == 0
    said = piste("predict", "one", discs / "images" / "tile00.png", "--runs", runs, "--out", tmp_path / "out")
    assert said.code == 0
    assert {"down", "right"} <= json.loads((tmp_path / "out" / "predictions.jsonl").read_text("utf-8")).keys()
    said = piste("export", "one", "--torch", "--runs", runs)
    assert said.code == 2
    assert "a model of keypoint is not one function" in said.err


@pytest.mark.usefixtures("seventh")
def test_its_losses_are_its_own(discs: Path) -> None:  # noqa: F811
    document = recipe(discs, loss="dice")
    with pytest.raises(
        ValueError, match="`dice` does not suit keypoint; these do: absolute_error, huber, squared_error"
    ):
        Recipe.parse(document).open()
    schema = jsonschema.Draft202012Validator(recipe_schema("keypoint"))
    assert schema.is_valid(recipe(discs))
    assert not schema.is_valid(document)
    assert not schema.is_valid(recipe(discs, model={"name": "small_cnn", "encoder": "resnet18"}))


def test_without_its_file_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no task is called 'keypoint'; .*classification, detection"):
        Recipe.parse(recipe(tmp_path))
