"""Deep supervision in the task of segmentation: what is paid, logged, resumed, evaluated and refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from piste.losses import CrossEntropy, Dice
from piste.tasks.segmentation import SegmentationTask
from piste.training.checkpoint import read_checkpoint
from piste.training.events import read_events
from piste.training.recipe import Recipe
from piste.training.run import resume_run, start_run

FACTORS = [0.4, 0.2]


def document(folder: Path, factors: list[float], **settings: Any) -> dict[str, Any]:
    classes = {"ground": 0, "lake": 1, "river": 2}
    return {
        "task": "segmentation",
        "data": {"path": str(folder), "classes": classes, "background": "ground", "augment": ["horizontal_flip"]},
        "model": {"depth": 3, "width": 16, "auxiliary": factors},
        "loss": {"sum": ["cross_entropy", {"dice": {}, "scale": 0.5}]},
        "epochs": 2,
        "batch_size": 3,
        "workers": 0,
        "device": "cpu",
    } | settings


def opened(folder: Path, factors: list[float], **settings: Any) -> SegmentationTask:
    task = Recipe.parse(document(folder, factors, **settings)).open()
    assert isinstance(task, SegmentationTask)
    return task


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_loss_is_that_of_every_output_called_by_hand(stripes: Path, activation: str) -> None:
    loss = {"sum": ["cross_entropy" if activation == "softmax" else "binary_cross_entropy", "dice"]}
    model = {"depth": 3, "width": 16, "auxiliary": FACTORS, "activation": activation}
    task = opened(stripes, FACTORS, model=model, loss=loss)
    network, objective = task.model().train(), task.objective()
    batch = next(iter(task.loader("train", train=True, workers=0, batch_size=3)))
    output = task.forward(network, batch)
    assert [factor for factor, _ in output.auxiliary] == FACTORS
    total = objective(output.prediction, output.asked, mask=output.mask, auxiliary=output.auxiliary)

    def alone(logits: torch.Tensor) -> torch.Tensor:
        return task.objective()(logits, output.target, mask=output.mask)

    expected = alone(output.prediction) + sum(factor * alone(each) for factor, each in output.auxiliary)
    torch.testing.assert_close(total, expected)
    if activation == "softmax":
        by_hand = CrossEntropy(ignore_index=255)(output.prediction, batch["target"])
        by_hand = by_hand + Dice(ignore_index=255)(output.prediction, batch["target"])
        torch.testing.assert_close(alone(output.prediction), by_hand)
    total.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.heads.parameters())
    assert task.forward(network.eval(), batch).auxiliary == []


class StoppedError(Exception):
    pass


def stop_at(epoch: int) -> Callable[[Mapping[str, Any]], None]:
    def sink(event: Mapping[str, Any]) -> None:
        if event["kind"] == "epoch" and event["epoch"] == epoch:
            raise StoppedError

    return sink


def test_a_run_logs_them_as_one_term_resumes_exactly_and_tells_of_the_main_output_alone(
    stripes: Path, tmp_path: Path
) -> None:
    recipe = Recipe.parse(document(stripes, FACTORS, ema=0.9))
    start_run(recipe, tmp_path / "whole", echo=lambda _: None)
    with pytest.raises(StoppedError):
        start_run(recipe, tmp_path / "halved", sinks=(stop_at(1),), echo=lambda _: None)
    resume_run(tmp_path / "halved", echo=lambda _: None)
    mine, theirs = (
        read_checkpoint(tmp_path / name / "checkpoints" / "last.pt")["training"] for name in ("halved", "whole")
    )
    assert any(name.startswith("heads.") for name in mine["model"])
    assert all(torch.equal(mine["model"][name], theirs["model"][name]) for name in theirs["model"])

    events = read_events(tmp_path / "whole" / "events.jsonl")[0]
    for event in events:
        if event["kind"] in ("step", "epoch"):
            train = event if event["kind"] == "step" else event["train"]
            assert list(train["terms"]) == ["cross_entropy", "dice", "auxiliary"]
            weighted = [term["weighted"] for term in train["terms"].values()]
            assert sum(weighted) == pytest.approx(train["loss"], rel=1e-5)
            term = train["terms"]["auxiliary"]
            assert term["raw"] * 0.6 == pytest.approx(term["weighted"], rel=1e-5)
            assert term["factor"] == pytest.approx(0.6)
        if event["kind"] == "epoch":
            assert list(event["val"]["terms"]) == ["cross_entropy", "dice"]
    summary = json.loads((tmp_path / "whole" / "summary.json").read_text())

    task = recipe.open()
    best = task.model()
    best.load_state_dict(read_checkpoint(tmp_path / "whole" / "checkpoints" / "best.pt")["model"])
    plain = opened(stripes, []).model()
    plain.load_state_dict(best.network.state_dict())  # what was trained beside the network is not needed
    scores = task.scores()
    for batch in task.loader("val", train=False, workers=0, batch_size=3):
        with torch.no_grad():
            scores.update(task.forward(plain.eval(), batch))
    assert scores.compute()["iou"] == pytest.approx(summary["val"]["default"]["iou"], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": {"name": "deeplabv3+", "auxiliary": [0.4]}}, "does not apply to deeplabv3+"),
        (
            {"model": {"depth": 3, "auxiliary": [1.0, 1.0, 1.0]}},
            "each of 3 coarser stages, and unet of this depth has 2",
        ),
        ({"model": {"auxiliary": [-0.4]}}, "greater than 0"),
        ({"loss": {"sum": ["cross_entropy", {"dice": {}, "name": "auxiliary"}]}}, "a term is called auxiliary"),
    ],
)
def test_refusals(stripes: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("+", r"\+")):
        opened(stripes, [0.4], **settings)
