"""The restoration task: right models score right, every family of losses is optimised, what does not fit is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import nn

from piste.data.restoration.recipe import RestorationDataRecipe
from piste.models.restoration.recipe import RestorationDiscriminatorRecipe
from piste.models.restoration.upscale import upscaled
from piste.objective.recipe import resolve
from piste.tasks.restoration import RestorationTask
from piste.training.recipe import builtin_recipes, load_recipe
from piste.training.run import resume_run, start_run
from tests.tasks.restoration.negatives import Negative, draw_negatives, opened, recipe

EVERYTHING = {
    "sum": [
        "charbonnier",
        {"ssim": {}, "scale": 0.2},
        {"perceptual": {"network": "vgg11", "layers": ["features.4"], "weights": "random"}, "scale": 0.1},
        {"style": {"network": "vgg11", "layers": ["features.1"], "weights": "random"}, "scale": 0.1},
        {"total_variation": {}, "scale": 0.01},
        {"hinge": {}, "scale": 0.005},
        {"watch": "squared_error"},
    ]
}
CRITIC = {"layers": 1, "width": 4}


@pytest.fixture
def negatives(tmp_path: Path) -> Path:
    return draw_negatives(tmp_path / "negatives")


def evaluated(task: RestorationTask, model: nn.Module, split: str = "val") -> dict[str, float]:
    scores = task.scores()
    for batch in task.loader(split, train=False, workers=0, batch_size=3):
        scores.update(task.forward(model, batch))
    return scores.compute()


@torch.no_grad()
def test_a_right_model_is_right_and_one_that_does_nothing_gains_nothing(negatives: Path) -> None:
    task = opened(negatives)
    right, idle = evaluated(task, Negative()), evaluated(task, nn.Identity())
    assert right["psnr"] > 99
    assert right["ssim"] == pytest.approx(1.0, abs=1e-5)
    assert right["improved"] == 1.0
    assert (idle["gain"], idle["improved"], idle["psnr"]) == (0.0, 0.0, idle["input_psnr"])
    assert evaluated(task, Negative(0.01))["psnr"] == pytest.approx(40.0, abs=0.01)
    assert list(right) == list(task.metric_names)
    assert set(task.key_metrics) - {"lpips"} <= set(right)
    output = task.forward(Negative(), next(iter(task.loader("val", train=False, workers=0, batch_size=2))))
    assert task.objective()(output.prediction, output.asked) < 1e-6
    assert output.counted == 2 * 3 * 24 * 24


def test_a_fresh_model_is_the_baseline_where_images_grow(tmp_path: Path) -> None:
    task = opened("lakes", data={"path": "lakes", "degrade": [{"downscale": {"factor": 2}}]})
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=2)))
    with torch.no_grad():
        output = task.forward(task.model(), batch)
    assert output.prediction.shape == (2, 3, 96, 96)
    assert torch.equal(output.prediction, upscaled(batch["image"], 2))
    assert torch.equal(output.prediction, task.given(output))


def test_images_of_several_sizes_are_evaluated_size_by_size(tmp_path: Path) -> None:
    folder = draw_negatives(tmp_path / "n", count=20, sizes=((24, 24), (24, 24), (24, 24), (24, 30), (20, 24)))
    split = {"file": "split.csv"}
    for i in range(20):
        if i % 5 == 3 and i > 10:  # two sizes among those to validate
            for part in ("input", "target"):
                with Image.open(folder / part / f"{i}.png") as image:
                    image.crop((0, 0, 24, 20)).save(folder / part / f"{i}.png")
    task = opened(folder, data={"path": str(folder), "split": split})
    shapes = [tuple(batch["image"].shape) for batch in task.loader("val", train=False, workers=0, batch_size=3)]
    assert sorted(shapes) == [(2, 3, 20, 24), (2, 3, 24, 30)]
    with torch.no_grad():
        assert evaluated(task, Negative(0.1))["psnr"] == pytest.approx(20.0, abs=0.5)


def test_every_family_of_losses_trains_at_once_and_a_resumed_run_ends_alike(negatives: Path) -> None:
    folder = negatives.parent / "run"
    data = {"path": str(negatives), "augment": ["rotate90"]}
    start_run(recipe(negatives, loss=EVERYTHING, discriminator=CRITIC, data=data), folder, echo=lambda _: None)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert (summary["status"], summary["scale"]) == ("finished", 1)
    assert summary["images"] == {"train": 6, "val": 2, "test": 2}
    assert "PSNR by" in summary["story"]["val"]
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    terms = next(event for event in events if event["kind"] == "epoch")["train"]["terms"]
    assert set(terms) == {"charbonnier", "ssim", "perceptual", "style", "total_variation", "hinge", "squared_error"}
    assert (folder / "snapshots" / "0002.png").exists()

    (folder / "summary.json").unlink()
    last = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    (folder / "checkpoints" / "last.pt").unlink()  # as if it had been killed in the second epoch
    resume_run(folder, echo=lambda _: None)
    again = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    weights, repeated = last["training"]["model"], again["training"]["model"]
    assert all(torch.equal(weights[name], repeated[name]) for name in weights)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"loss": "dice"}, "`dice` does not suit restoration; these do: absolute_error, charbonnier"),
        (
            {"loss": "multi_scale_ssim"},
            "24x24 pixels (width x height), as train images are shown, are too few for multi_",
        ),
        ({"loss": "perceptual"}, "loss.perceptual: `weights` must be a file with torchvision's weights of vgg16"),
        ({"loss": {"style": {"network": "resnet18", "weights": "random"}}}, "`network` must be one of 'vgg11'"),
        ({"discriminator": {"width": 8}}, "`discriminator` would be trained by nothing: no loss is adversarial"),
        ({"loss": EVERYTHING, "discriminator": {"layers": 4}}, "the discriminator, whose 4 layers need 48x48"),
        ({"loss": {"charbonnier": {"weight": [1, 2]}}}, "`charbonnier` has no keyword 'weight'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    negatives: Path, keys: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(negatives))
    with pytest.raises(ValueError) as error:
        opened(negatives, **keys)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_loss_of_one_s_own_may_ask_for_what_was_given(negatives: Path) -> None:
    (negatives / "mine.py").write_text(
        "def mine(prediction, target, *, image):\n    return (prediction + image - 1).abs().mean()\n"
    )
    task = opened(negatives, loss={"custom": f"{negatives}/mine.py:mine"})
    output = task.forward(Negative(0.25), next(iter(task.loader("val", train=False, workers=0, batch_size=2))))
    assert task.objective()(output.prediction, output.asked).item() == pytest.approx(0.25, abs=1e-6)


@torch.no_grad()
def test_the_worst_images_come_first_with_what_was_wrong_before_and_after(negatives: Path) -> None:
    task = opened(negatives)

    class Uneven(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            answer = 1 - images
            answer[:, :, :4] += images.mean((1, 2, 3), keepdim=True) * 0.2
            return answer

    batches = list(task.loader("val", train=False, workers=0, batch_size=1))
    found = task.examine(Uneven(), "val", batches, None)
    assert found.scores["default"] == evaluated(task, Uneven())
    assert [shown.score for shown in found.wall] == sorted(sample["score"] for sample in found.samples)
    assert list(found.wall[0].panels) == ["input", "restored", "target", "error of the input", "error left"]
    picture = found.wall[0].panels["error left"]
    assert picture.shape == (192, 192, 3)
    assert picture.dtype == np.uint8
    assert picture[:32].mean() > picture[64:].mean()  # 8 pixels for one: the first four rows are wrong
    target = next(batch["target"][0] for batch in batches if batch["name"][0] == found.wall[0].name)
    shown = torch.from_numpy(found.wall[0].panels["target"][::8, ::8]).permute(2, 0, 1) / 255
    torch.testing.assert_close(shown, target)
    points, lines = found.figures
    assert points["series"][0]["y"] == [sample["psnr"] for sample in found.samples]
    before, after = (line["y"] for line in lines["series"])
    assert sum(after[1:]) < sum(before[1:])  # the first holds hardly anything of these waves
    assert found.story.startswith("raised the PSNR by ")
    assert found.story.endswith("nearer to the target on 2 of 2 images")
    worse = task.examine(Negative(5.0), "val", batches, None)
    assert worse.story.startswith(("lowered", "raised"))


def test_a_file_is_restored_as_its_pixels_ask(negatives: Path) -> None:
    task = opened(negatives)
    prediction = task.predict(Negative(0.1), negatives / "input" / "3.png")
    with Image.open(negatives / "input" / "3.png") as image:
        expected = np.clip(255 - np.asarray(image).astype(float) + 25.5, 0, 255)
    restored = prediction.pictures["restored"]
    assert np.abs(restored - expected).max() <= 0.51
    assert prediction.facts == {"width": 24, "height": 24, "scale": 1}


def test_a_snapshot_leaves_the_model_and_the_random_state_as_they_were(negatives: Path) -> None:
    task = opened(negatives)
    model = task.model().train()
    state = torch.random.get_rng_state()
    picture = task.snapshot(model)
    assert picture is not None
    assert picture.shape == (2 * 192 + 6, 3 * 192 + 12, 3)
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_inputs_that_augmentation_makes_are_shown_above_their_targets() -> None:
    task = opened("lakes", data={"path": "lakes", "degrade": [{"noise": {"sigma": 0.3}}], "augment": ["rotate90"]})
    arrays = task.augmented()
    assert arrays["original_0"].shape == arrays["augmented_2_3"].shape == (2 * 192 + 6, 192, 3)
    assert len(arrays["names"]) == 3
    noisy, clean = arrays["original_0"][:192], arrays["original_0"][-192:]
    assert np.abs(np.diff(noisy.astype(int), axis=0)).mean() > 3 * np.abs(np.diff(clean.astype(int), axis=0)).mean()


def test_what_the_data_hold_is_told(negatives: Path) -> None:
    rows = opened(negatives).overview()
    assert rows[1] == {
        "split": "val",
        "images": "2",
        "scale": "1",
        "smallest target": "24x24",
        "largest target": "24x24",
    }
    assert RestorationTask.problems(recipe(negatives).section("data")) == []


def test_what_the_page_shows_is_a_recipe() -> None:
    page = (Path(__file__).parents[3] / "docs" / "tasks" / "restoration.md").read_text("utf-8")
    data, included, loss = (block for block in re.findall(r"```yaml\n(.*?)```", page, re.S))
    assert RestorationDataRecipe.model_validate(yaml.safe_load(data)["data"]).degrade
    assert "src/piste/recipes/sharpen.yaml" in included
    sections = yaml.safe_load(loss.replace("vgg16.pth", "random"))
    assert resolve(sections["loss"], task="restoration", activation="softmax", class_names=())
    assert RestorationDiscriminatorRecipe.model_validate(sections["discriminator"]).lr == 0.0001


def test_the_built_in_recipe_opens() -> None:
    assert "sharpen" in builtin_recipes()
    task = load_recipe("sharpen").open()
    assert isinstance(task, RestorationTask)
    assert task.data.scale == 2
