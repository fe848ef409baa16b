from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from piste.training.optimizers import AdamW
from piste.training.schedulers import Constant
from piste.training.settings import BestRecipe, TrainingRecipe


def test_settings_survive_yaml() -> None:
    settings = TrainingRecipe(
        optimizer={"adam": {"betas": [0.8, 0.9]}},
        scheduler={"cosine": {"warmup": 2}},
        early_stopping={"metric": "iou"},
        best="f1",
        precision="no",
    )
    document = yaml.safe_load(yaml.safe_dump(settings.model_dump(mode="json")))
    assert document["optimizer"]["adam"]["betas"] == [0.8, 0.9]
    assert document["best"] == {"metric": "f1", "mode": None}
    assert TrainingRecipe.model_validate(document) == settings


def test_defaults_are_written_out() -> None:
    document = TrainingRecipe().model_dump(mode="json")
    assert document["optimizer"] == {"adamw": AdamW().model_dump(mode="json")}
    assert document["scheduler"] == {"constant": Constant().model_dump(mode="json")}


def test_yaml_may_read_no_as_false() -> None:
    assert TrainingRecipe.model_validate(yaml.safe_load("precision: no")).precision == "no"


def test_a_metric_alone_says_what_is_best() -> None:
    assert TrainingRecipe(best="recall").best == BestRecipe(metric="recall")


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"accumulate": 0},
        {"clip": 0},
        {"ema": 1.0},
        {"precision": "fp8"},
        {"seed": -1},
        {"workers": -1},
        {"trackers": ["comet"]},
        {"early_stopping": {"metric": "iou", "patience": 0}},
        {"early_stopping": {}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainingRecipe(**bad)


def test_a_warm_up_ends_before_the_training() -> None:
    with pytest.raises(ValueError, match=r"`scheduler\.cosine\.warmup` must be shorter .* got 3 of 3 epochs"):
        TrainingRecipe(epochs=3, scheduler={"cosine": {"warmup": 3}})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"best": "iuo"}, "best.metric"),
        ({"early_stopping": {"metric": "iuo"}}, "early_stopping.metric"),
        ({"scheduler": {"plateau": {"metric": "iuo"}}}, "scheduler.plateau.metric"),
        ({"best": "loss"}, "best.metric"),
    ],
)
def test_an_unknown_metric_is_refused_with_the_nearest(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=f"`{key}`: there is no metric '(iuo|loss)'; .*iou"):
        TrainingRecipe(**settings).check_metrics(["iou", "f1"])


def test_the_loss_may_be_watched_though_it_chooses_no_best() -> None:
    watching = {"early_stopping": {"metric": "loss"}, "scheduler": {"plateau": {"metric": "loss"}}}
    TrainingRecipe(**watching).check_metrics(["iou"])
