"""The task of regression: values and quantiles, losses by their specs, runs that resume, what is off most first."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piste.losses import catalogue
from piste.tasks.base.panels import HIT, MISS
from piste.tasks.regression import RegressionTask
from piste.tasks.regression.pictures import said_rulers, short
from piste.tasks.regression.quantiles import with_shares
from piste.training.checkpoint import read_checkpoint
from piste.training.recipe import Recipe, load_recipe
from piste.training.run import resume_run, start_run
from tests.data.files import picture, save

SMALL = {"name": "small_cnn", "width": 4, "depth": 2, "channels": 1}
QUANTILES = [0.1, 0.5, 0.9]


def document(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "task": "regression",
        "data": {"path": str(path), "normalize": "data", "values": ["grey"]},
        "model": SMALL,
        "loss": "squared_error",
        "optimizer": {"adamw": {"lr": 0.02}},
        "epochs": 3,
        "batch_size": 8,
    } | keys


def opened(path: Path, **keys: Any) -> RegressionTask:
    task = Recipe.parse(document(path, **keys)).open()
    assert isinstance(task, RegressionTask)
    return task


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Images whose mean grey is a value, and its square another."""
    folder = tmp_path / "greys"
    lines = ["path,grey,square,split"]
    for i in range(28):
        image = np.full((6, 6, 3), 8 * i, np.uint8) + picture(i, 6, 6) // 32
        save(folder / f"{i:02}.png", image)
        grey = image.mean()
        lines.append(f"{i:02}.png,{grey},{grey**2},{'val' if i % 4 == 1 else 'test' if i % 14 == 2 else 'train'}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


class Grey(nn.Module):
    """Reads the mean grey off the image: a model that is right by construction, or too high by `more`."""

    def __init__(self, task: RegressionTask, more: tuple[float, ...] = (0.0,)) -> None:
        super().__init__()
        self.task = task
        self.more = nn.Parameter(torch.tensor(more))

    def forward(self, image: Tensor) -> Tensor:
        normalize: Any = self.task.data_recipe.normalize
        grey = image.mean((1, 2, 3)) * 255 * np.mean(normalize.std) + 255 * np.mean(normalize.mean)
        return ((grey - self.task.data.mean[0]) / self.task.data.std[0])[:, None] + self.more


def test_a_right_model_has_no_error(greys: Path) -> None:
    task = opened(greys)
    scores, objective = task.scores(), task.objective()
    for batch in task.loader("val", train=False, workers=0, batch_size=3):
        output = task.forward(Grey(task), batch)
        assert output.prediction.shape == output.target.shape
        assert objective(output.prediction, output.target) < 1e-3
        scores.update(output)
    found = scores.compute()
    assert found["mae"] < 1  # luminance is not quite the mean
    assert found["r2"] > 0.999
    assert list(found) == list(task.metric_names)


def test_each_quantile_is_held_against_the_same_truth(greys: Path) -> None:
    task = opened(greys, model=SMALL | {"quantiles": QUANTILES}, loss="quantile")
    assert task.loss["quantile"]["q"] == QUANTILES
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=5)))
    output = task.forward(Grey(task, (-0.5, 0.0, 0.25)), batch)
    assert output.prediction.shape == output.target.shape == (5, 1, 3)
    assert output.counted == 15
    # too low by 0.5 costs 0.1 a unit, too high by 0.25 costs 1 - 0.9 a unit, over three quantiles
    expected = (0.1 * 0.5 + 0.1 * 0.25) / 3
    assert task.objective()(output.prediction, output.target).item() == pytest.approx(expected, abs=0.01)
    scores = task.scores()
    scores.update(output)
    assert scores.compute()["interval_coverage"] == 1.0
    assert scores.compute()["interval_width"] == pytest.approx(0.75 * task.data.std[0].item(), rel=1e-4)
    assert task.model()(batch["image"]).shape == (5, 3)


SUITED = sorted(name for name, spec in catalogue().items() if "regression" in spec.tasks)


def test_the_losses_of_the_issue_suit_regression() -> None:
    assert set(SUITED) >= {"squared_error", "absolute_error", "huber", "log_cosh", "quantile"}


@pytest.mark.parametrize("name", SUITED)
def test_every_loss_of_the_task_learns_two_values(greys: Path, name: str) -> None:
    task = opened(greys, data={"path": str(greys), "normalize": "data"}, loss=name)
    torch.manual_seed(0)
    model, objective = task.model().train(), task.objective()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    values = []
    for _ in range(8):
        for batch in task.loader("train", train=True, workers=0, batch_size=20):
            output = task.forward(model, batch)
            assert output.prediction.shape == (len(batch["name"]), 2)
            loss = objective(output.prediction, output.target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
    assert values[-1] < 0.7 * values[0]


def run(recipe: Recipe, folder: Path, *sinks: Callable[[Any], None]) -> dict[str, Any]:
    start_run(recipe, folder, sinks=sinks, echo=lambda _: None)
    return json.loads((folder / "summary.json").read_text())


class StoppedError(Exception):
    pass


def stop_at(epoch: int) -> Callable[[Mapping[str, Any]], None]:
    def sink(event: Mapping[str, Any]) -> None:
        if event["kind"] == "epoch" and event["epoch"] == epoch:
            raise StoppedError

    return sink


def test_a_run_of_quantiles_learns_is_resumed_and_keeps_what_the_report_shows(greys: Path, tmp_path: Path) -> None:
    data = {"path": str(greys), "normalize": "data", "values": ["grey"], "augment": ["gaussian_noise"]}
    model = SMALL | {"quantiles": QUANTILES, "dropout": 0.1}
    recipe = Recipe.parse(document(greys, data=data, model=model, loss="quantile", epochs=12))
    summary = run(recipe, tmp_path / "whole")
    assert summary["val"]["default"]["r2"] > 0.5
    assert summary["values"] == ["grey"]
    assert "of the true values lie in its interval for 80" in summary["story"]["val"]
    wall = np.load(tmp_path / "whole" / "wall.npz")
    assert wall["panel_names"].tolist() == ["image", "answer"]
    assert wall["scores"].tolist() == sorted(wall["scores"], reverse=True)
    evaluation = json.loads((tmp_path / "whole" / "evaluation.json").read_text())
    assert [figure["kind"] for figure in evaluation["val"]["figures"]] == ["points", "lines", "bars"]
    with pytest.raises(StoppedError):
        run(recipe, tmp_path / "halved", stop_at(2))
    resume_run(tmp_path / "halved", echo=lambda _: None)
    mine, theirs = (read_checkpoint(tmp_path / name / "checkpoints" / "best.pt") for name in ("halved", "whole"))
    assert all(torch.equal(mine["model"][name], theirs["model"][name]) for name in theirs["model"])


def test_the_largest_error_comes_first(greys: Path) -> None:
    task = opened(greys)

    class Off(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            said = Grey(task)(image)
            said[2] += 3
            return said

    found = task.examine(Off(), "val", list(task.loader("val", train=False, workers=0, batch_size=7)), None)
    assert found.wall[0].name == "09.png"
    assert found.wall[0].score == pytest.approx(3, abs=0.05)
    assert found.wall[0].note.endswith("too high")
    assert found.samples[0]["said"]["grey"] - found.samples[0]["truth"]["grey"] == pytest.approx(
        3 * task.data.std[0].item(), rel=0.02
    )
    points: Any = found.figures[0]
    assert len(points["series"][0]["x"]) == 7
    assert points["series"][0]["y"][2] > points["series"][0]["x"][2]
    bars: Any = found.figures[1]
    assert sum(bars["series"][0]["values"]) == 7
    assert bars["names"][7] == "0"
    assert "an R² of" in found.story


def test_several_values_have_scores_of_their_own(greys: Path) -> None:
    task = opened(greys, data={"path": str(greys), "normalize": "data"})
    assert {"mae/grey", "r2/square"} <= set(task.metric_names)
    batches = list(task.loader("val", train=False, workers=0, batch_size=7))
    found = task.examine(task.model().eval(), "val", batches, None)
    assert "hardest: " in found.story
    assert ";" in found.wall[0].note
    assert found.wall[0].panels["answer"].shape == (224, 336, 3)


def test_a_model_says_numbers_of_an_image_file(greys: Path) -> None:
    task = opened(greys)
    said = task.predict(Grey(task).eval(), greys / "05.png")
    assert said.facts["grey"] == pytest.approx(44, abs=2)
    several = opened(greys, model=SMALL | {"quantiles": QUANTILES}, loss="quantile")
    facts = several.predict(Grey(several, (0.3, 0.0, -0.3)).eval(), greys / "05.png").facts["grey"]
    assert list(facts) == ["0.1", "0.5", "0.9"]
    assert list(facts.values()) == sorted(facts.values())


def test_rulers_show_truth_and_answer() -> None:
    ends = np.array([0.0]), np.array([10.0])
    picture = said_rulers(["x"], np.array([2.0]), np.array([[7.0]]), 0, ends)
    left, width = 16, 336 - 32
    assert tuple(picture[112, left + round(0.2 * width)]) == MISS
    assert tuple(picture[112, left + round(0.7 * width)]) == HIT
    beyond = said_rulers(["x"], np.array([2.0]), np.array([[7.0, 30.0, 40.0]]), 1, ends)
    assert (beyond == HIT).all(2).any()
    assert short(0.000123456) == "0.000123"


def test_snapshots_are_drawn(greys: Path) -> None:
    task = opened(greys, model=SMALL | {"quantiles": QUANTILES}, loss="quantile")
    snapshot = task.snapshot(task.model().eval())
    assert snapshot is not None
    assert snapshot.shape == (2 * 112 + 4, 6 * 96 - 4, 3)


def test_shares_reach_every_quantile_loss_of_a_section() -> None:
    section = {
        "phases": [
            {"loss": "quantile", "epochs": 2, "until": "quantile"},
            {"loss": {"sum": ["quantile", {"quantile": None, "name": "quantile"}]}},
        ]
    }
    shared = {"quantile": {"q": [0.1, 0.9]}}
    assert with_shares(section, [0.1, 0.9]) == {
        "phases": [
            {"loss": shared, "epochs": 2, "until": "quantile"},
            {"loss": {"sum": [shared, shared | {"name": "quantile"}]}},
        ]
    }
    assert with_shares("quantile", None) == "quantile"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"loss": "cross_entropy"}, "`cross_entropy` does not suit regression; these do: absolute_error"),
        ({"model": SMALL | {"quantiles": QUANTILES}}, r"`squared_error` knows of none: set loss=quantile"),
        ({"loss": {"quantile": {"q": [0.1, 0.9]}}}, r"list them as model.quantiles"),
        (
            {"model": SMALL | {"quantiles": QUANTILES}, "loss": {"quantile": {"q": 0.5}}},
            r"quantile.q is 0.5, and model.quantiles \[0.1, 0.5, 0.9\]",
        ),
        ({"model": SMALL | {"quantiles": [0.9, 0.1]}}, "two or more rising shares"),
        ({"model": SMALL | {"quantiles": [0.5]}}, "two or more rising shares"),
        ({"model": SMALL | {"quantiles": [0.5, 1.0]}}, "less than 1"),
        ({"model": {"name": "vit_tiny_patch16_224"}}, r"can't take images of 6x6"),
        ({"model": {"name": "small_cmn"}}, "nearest: small_cnn"),
        ({"best": "accuracy"}, "accuracy"),
    ],
)
def test_mistakes_are_named_in_one_line(greys: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        opened(greys, **keys)
    assert "\n" not in str(caught.value)


def test_one_quantile_alone_is_a_number(greys: Path) -> None:
    task = opened(greys, loss={"quantile": {"q": 0.9}})
    assert task.loss["quantile"]["q"] == 0.9
    assert "interval_width" not in task.metric_names


def test_the_data_are_summed_up_and_problems_told(greys: Path) -> None:
    task = opened(greys)
    assert task.overview()[1]["images"] == "7"
    section = Recipe.parse(document(greys)).section("data")
    assert RegressionTask.problems(section) == []
    for name in ("05.png", "07.png"):
        (greys / name).write_bytes((greys / name).read_bytes()[:60])
    assert len(RegressionTask.problems(section)) == 2


def test_the_built_in_recipe_counts_lakes() -> None:
    task = load_recipe("count").open()
    assert task.name == "regression"
    assert task.facts() == {"values": ["lakes"], "quantiles": [0.05, 0.5, 0.95]}
