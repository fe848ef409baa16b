"""The task as a whole: what it asks for, what it draws, and runs from a recipe to the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import nn

from piste.data.generation.gaussians import GaussianPoints
from piste.data.problems import DataError
from piste.tasks.generation import GenerationTask
from piste.tasks.generation.pictures import INSIDE, OUTSIDE, as_pixels, grid
from piste.training.checkpoint import read_checkpoint
from piste.training.recipe import Recipe
from piste.training.run import resume_run, start_run
from tests.training.tiny import events_of

PLAYERS: dict[str, Any] = {
    "minimax": "minimax",
    "non_saturating": {"sum": ["non_saturating", {"gradient_penalty": {"center": 0.0}}]},
    "least_squares": {"least_squares": {"c": {"ramp": {"from": 0.5, "to": 1.0, "epochs": 2}}}},
    "wasserstein": {"sum": ["wasserstein", "gradient_penalty", {"watch": "hinge"}]},
    "hinge": "hinge",
    "phases": {"sequence": [{"loss": "minimax", "epochs": 1}, {"loss": "wasserstein", "lr": 0.5}]},
}


def toy(**keys: Any) -> dict[str, Any]:
    return {
        "task": "generation",
        "data": {"path": "gaussians", "gaussians": {"modes": 4, "train": 64, "val": 32}},
        "model": {"name": "mlp", "latent": 3, "width": 8},
        "discriminator": {"width": 8},
        "loss": "hinge",
        "optimizer": {"adam": {"lr": 0.01, "betas": [0.5, 0.9]}},
        "epochs": 2,
        "batch_size": 16,
        "workers": 0,
    } | keys


def digits(**keys: Any) -> dict[str, Any]:
    return (
        toy(
            data={"path": "digits", "limit": {"train": 48, "val": 24, "test": 16}},
            model={"latent": 3, "width": 4},
            discriminator={"width": 4},
        )
        | keys
    )


def opened(document: dict[str, Any]) -> GenerationTask:
    task = Recipe.parse(document).open()
    assert isinstance(task, GenerationTask)
    return task


class Made(nn.Module):
    """A generator that makes what it is told to, whatever the noise."""

    def __init__(self, samples: torch.Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples)
        self.at = 0

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        places = torch.arange(self.at, self.at + len(latent)) % len(self.samples)
        self.at += len(latent)
        return self.samples[places]


@pytest.fixture(autouse=True)
def quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piste.tasks.generation.judge.STEPS", 12)


@pytest.mark.parametrize("name", PLAYERS)
def test_every_adversarial_loss_trains(name: str, tmp_path: Path) -> None:
    start_run(Recipe.parse(toy(loss=PLAYERS[name])), tmp_path / "run", echo=lambda _: None)
    steps = events_of(tmp_path / "run", "step")
    assert len(steps) == 8
    assert all(step["discriminator"]["terms"] for step in steps)
    assert len(list((tmp_path / "run" / "snapshots").glob("*.png"))) == 2


def test_clipped_weights_and_several_steps_of_the_critic_train(tmp_path: Path) -> None:
    section = {"width": 8, "steps": 3, "weight_clip": 0.01, "lr": 0.001}
    start_run(Recipe.parse(toy(loss="wasserstein", discriminator=section)), tmp_path / "run", echo=lambda _: None)
    assert len(events_of(tmp_path / "run", "step")) == 4
    state = read_checkpoint(tmp_path / "run" / "checkpoints" / "last.pt")["training"]["rival"]["module"]
    assert max(weights.abs().max() for weights in state.values()) == torch.tensor(0.01)


def test_a_run_on_images_ends_in_a_report_of_samples(tmp_path: Path) -> None:
    run = tmp_path / "run"
    start_run(Recipe.parse(digits(ema=0.5)), run, echo=lambda _: None)
    wall = np.load(run / "wall.npz")
    assert wall["panel_names"].tolist() == ["generated", "nearest training image"]
    scores = wall["scores"].tolist()
    assert scores == sorted(scores, reverse=True)
    assert wall["panel_0_0"].shape[2] == 3
    assert min(wall["panel_0_0"].shape[:2]) >= 128
    summary = json.loads((run / "summary.json").read_text())
    assert summary["story"]["val"].startswith("made images of which ")
    assert summary["judge"].keys() == {"asked", "accuracy"}
    assert summary["test"]["default"].keys() == summary["val"]["default"].keys()
    assert (run / "snapshots" / "0002.png").exists()


def test_a_resumed_run_ends_where_the_uninterrupted_one_ends(tmp_path: Path) -> None:
    def kill(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["epoch"] == 2 and not event.get("replayed"):
            raise KeyboardInterrupt

    recipe = Recipe.parse(digits(loss="hinge", discriminator={"width": 4, "norm": "spectral", "steps": 2}))
    start_run(recipe, tmp_path / "whole", echo=lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        start_run(recipe, tmp_path / "cut", sinks=(kill,), echo=lambda _: None)
    resume_run(tmp_path / "cut", echo=lambda _: None)
    assert events_of(tmp_path / "cut") == events_of(tmp_path / "whole")
    mine, theirs = (read_checkpoint(tmp_path / run / "checkpoints" / "best.pt") for run in ("cut", "whole"))
    torch.testing.assert_close(mine["model"], theirs["model"], rtol=0, atol=0)


def test_the_judge_learns_classes_is_the_same_each_time_and_leaves_chance_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("piste.tasks.generation.judge.STEPS", 60)
    document = digits(data={"path": "digits", "limit": {"train": 600, "val": 200}})
    state = torch.get_rng_state()
    judge, again = opened(document).judge, opened(document | {"seed": 5}).judge
    assert torch.equal(torch.get_rng_state(), state)
    assert judge.accuracy > 0.8
    torch.testing.assert_close(judge.judge.state_dict(), again.judge.state_dict(), rtol=0, atol=0)


def test_images_without_classes_are_judged_by_how_they_are_turned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piste.tasks.generation.judge.STEPS", 60)
    for i in range(60):
        image = np.full((16, 16, 3), 20 + i, np.uint8)
        image[:4] = 255  # a light edge at the top
        Image.fromarray(image).save(tmp_path / f"{i:02}.png")
    task = opened(digits(data={"path": str(tmp_path), "split": {"ratio": [0.7, 0.3]}}))
    assert task.judge.accuracy > 0.9
    assert task.facts()["judge"]["asked"] == "quarter turns"


def test_real_images_score_better_than_noise() -> None:
    task = opened(digits(data={"path": "digits", "limit": {"train": 200, "val": 60}}))
    batches = list(task.loader("val", train=False, workers=0, batch_size=30))
    reals = torch.stack([task.reals("train", train=False).real(i) for i in range(60)])

    def scored(samples: torch.Tensor) -> Any:
        return task.examine(Made(samples), "val", batches, None)

    good, bad = scored(reals), scored(torch.rand(60, 1, 8, 8) * 2 - 1)
    assert good.scores["default"]["frechet_distance"] < bad.scores["default"]["frechet_distance"] / 3
    assert good.scores["default"]["sample_precision"] > 0.8
    assert bad.scores["default"]["sample_precision"] < 0.5
    floor = good.further["frechet_distance_of_training_images"]
    assert floor == pytest.approx(good.scores["default"]["frechet_distance"], rel=1e-3)  # made of the same images
    assert all(shown.score == pytest.approx(0.0, abs=1e-4) for shown in good.wall)  # each is a training image itself
    shown = good.wall[0].panels
    np.testing.assert_array_equal(shown["generated"], shown["nearest training image"])
    (figure,) = good.figures
    assert [sum(series["values"]) for series in figure["series"]] == pytest.approx([1.0, 1.0])


def test_points_are_examined_mode_by_mode_the_rarest_first() -> None:
    task = opened(toy())
    batches = list(task.loader("val", train=False, workers=0, batch_size=16))
    points = GaussianPoints(task.data, "train").points[:32].clone()  # type: ignore[arg-type]
    points[::4] = 0.0  # those of mode 0 fall between all modes
    found = task.examine(Made(points), "val", batches, None)
    assert found.scores["default"]["modes_covered"] == 0.75
    assert found.scores["default"]["high_quality"] == pytest.approx(0.75, abs=0.07)
    assert found.story.startswith("reached 3 of 4 modes; ")
    assert [shown.name for shown in found.wall][:2] == ["the ring", "mode 0"]
    assert found.wall[1].note == "0 points where an even deal gives 8"
    bars = found.figures[1]
    assert bars["series"][1]["values"][0] == 0
    ring = found.wall[0].panels["generated over real"]
    for colour in (INSIDE, OUTSIDE):
        assert np.abs(ring.astype(int) - colour).sum(2).min() < 40  # smoothed at the edges


def test_pictures_show_black_to_white_in_a_grid() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0, 3.0]).view(4, 1, 1, 1).expand(4, 1, 8, 8)
    assert as_pixels(images)[:, 0, 0].tolist() == [[0] * 3, [128] * 3, [255] * 3, [255] * 3]
    picture = grid(images[:3], columns=2, least=8)
    assert picture.shape == (18, 18, 3)
    assert [picture[4, 4, 0], picture[4, 14, 0], picture[14, 4, 0]] == [0, 128, 255]


def test_every_epoch_is_judged_by_what_it_makes_of_the_same_noise() -> None:
    task = opened(digits())
    for train in (False, True):
        loader = task.loader("val", train=train, workers=0, batch_size=24)
        first = loader.dataset[3]["latent"]
        loader.dataset.set_epoch(2)  # type: ignore[attr-defined]
        assert torch.equal(loader.dataset[3]["latent"], first) is not train


def test_snapshots_show_the_same_noise_each_time() -> None:
    task = opened(digits())
    model = task.model()
    np.testing.assert_array_equal(task.snapshot(model), task.snapshot(model))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (toy(model={"name": "dcgan"}), "`model.name`: dcgan is for images, and these data are points; take mlp"),
        (toy(loss="gradient_penalty"), "`gradient_penalty` is what the discriminator pays"),
        (toy(loss="cross_entropy"), "`cross_entropy` does not suit generation; these do: .*hinge"),
        (toy(loss={"hinge": {"weight": "inverse"}}), "`hinge` has no keyword 'weight'"),
        (digits(loss="total_variation"), "the phase 'total_variation' has no adversarial loss"),
        (toy(discriminator={"widht": 8}), "`discriminator.widht` is no key of a recipe; nearest: width"),
        (toy(discriminator={"steps": 0}), "`discriminator.steps`"),
        (toy(best="iou"), "there is no metric 'iou'"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        opened(document)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accumulate": 2}, "`accumulate` must be 1 with a discriminator; got 2: raise batch_size"),
        (
            {
                "loss": {"sum": ["wasserstein", "gradient_penalty"]},
                "discriminator": {"name": "mlp", "width": 8, "norm": "batch"},
            },
            "set discriminator.norm to instance or none",
        ),
    ],
)
def test_what_two_players_cannot_do_is_refused_before_the_run_has_a_folder(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        start_run(Recipe.parse(digits(**changes)), tmp_path / "run", echo=lambda _: None)
    assert not (tmp_path / "run").exists()


def test_no_file_is_read_to_predict(tmp_path: Path) -> None:
    task = opened(toy())
    with pytest.raises(DataError, match="a generator makes samples of noise and reads no file"):
        task.predict(task.model(), tmp_path / "x.png")


def test_the_resolved_recipe_says_what_the_discriminator_is() -> None:
    recipe = Recipe.parse(digits())
    resolved = recipe.resolved(recipe.open())
    assert resolved.section("discriminator").model_dump() == {
        **{"steps": 1, "lr": None, "weight_clip": None},
        **{"name": "dcgan", "width": 4, "layers": None, "norm": "batch"},
    }
    assert Recipe.parse(yaml.safe_load(resolved.to_yaml())) == resolved
