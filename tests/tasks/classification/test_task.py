"""The task of classification: targets for each activation, losses by their specs, runs that resume, bad input."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piste.losses import catalogue
from piste.tasks.classification import ClassificationTask
from piste.training.checkpoint import read_checkpoint
from piste.training.recipe import Recipe, load_recipe
from piste.training.run import resume_run, start_run
from tests.data.files import picture, save, shades

SMALL = {"name": "small_cnn", "width": 4, "depth": 2, "channels": 1}
CLASSES = ["ant", "bee", "cat"]


def document(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "task": "classification",
        "data": {"path": str(path), "normalize": "data"},
        "model": SMALL,
        "loss": "cross_entropy",
        "optimizer": {"adamw": {"lr": 0.02}},
        "epochs": 3,
        "batch_size": 8,
    } | keys


def opened(path: Path, **keys: Any) -> ClassificationTask:
    task = Recipe.parse(document(path, **keys)).open()
    assert isinstance(task, ClassificationTask)
    return task


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three classes, each of its own grey; twice as many bees as cats."""
    counts = {"train/ant": 8, "train/bee": 8, "train/cat": 4, "val/ant": 3, "val/bee": 3, "val/cat": 2, "test/bee": 2}
    return shades(tmp_path / "three", counts)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Images that have the label dark, the label red, both or none."""
    lines = ["path,labels,split"]
    for i in range(32):
        labels = [name for name, bit in (("dark", 1), ("red", 2)) if i & bit]
        image = picture(i) // 16 + (20 if i & 1 else 160)
        image[..., 0] += 80 if i & 2 else 0
        save(tmp_path / f"{i:02}.png", image.astype(np.uint8))
        lines.append(f"{i:02}.png,{'|'.join(labels)},{'val' if i > 19 else 'train'}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


class Shade(nn.Module):
    """Reads the class off the grey value, as the images were drawn: a model that is right by construction."""

    def __init__(self, task: ClassificationTask, shift: int = 0) -> None:
        super().__init__()
        self.task = task
        self.shift = shift
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor) -> Tensor:
        normalize: Any = self.task.data_recipe.normalize
        grey = (image.mean((1, 2, 3)) * np.mean(normalize.std) + np.mean(normalize.mean)) * 255
        index = ((grey - 8) / 40).round().long().clamp(0, 2)
        return nn.functional.one_hot((index + self.shift) % 3, 3) * 20.0 - 10


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_right_model_scores_1_everywhere(three: Path, activation: str) -> None:
    loss = "cross_entropy" if activation == "softmax" else "binary_cross_entropy"
    task = opened(three, model=SMALL | {"activation": activation}, loss=loss)
    scores, objective = task.scores(), task.objective()
    for batch in task.loader("val", train=False, workers=0, batch_size=3):
        output = task.forward(Shade(task), batch)
        assert objective(output.prediction, output.target) < 1e-3
        assert torch.equal(task.truth(output.target), batch["target"])
        assert output.counted == output.target.numel()
        scores.update(output)
    found = scores.compute()
    assert found["accuracy"] == found["f1"] == found["recall/cat"] == found["average_precision"] == 1.0
    assert list(found) == list(task.metric_names)


def test_several_labels_are_told_one_by_one(several: Path) -> None:
    task = opened(several, model=SMALL | {"activation": "sigmoid"}, loss="binary_cross_entropy")
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=4)))
    assert batch["target"].tolist() == [[False, False], [True, False], [False, True], [True, True]]
    output = task.forward(task.model().eval(), batch)
    assert output.target is batch["target"]
    assert output.counted == 8


SUITED = sorted(name for name, spec in catalogue().items() if "classification" in spec.tasks)


def test_the_losses_of_the_issue_suit_classification() -> None:
    wanted = {"quadratic", "cross_entropy", "focal", "bi_tempered", "generalized_cross_entropy", "poly", "dice"}
    assert set(SUITED) >= wanted | {"symmetric_cross_entropy", "asymmetric"}


@pytest.mark.parametrize("name", SUITED)
def test_every_loss_of_the_task_trains_with_weights_from_the_data(three: Path, name: str) -> None:
    spec = catalogue()[name]
    activation = "softmax" if "softmax" in (spec.activations or ("softmax",)) else "sigmoid"
    keywords = {"weight": "inverse"} if "weight" in spec.parameters else {}
    task = opened(three, model=SMALL | {"activation": activation}, loss={name: keywords})
    if keywords:
        # counts 8, 8 and 4: inverse is proportional to 1, 1 and 2
        assert task.loss[name]["weight"] == pytest.approx([0.75, 0.75, 1.5])
    torch.manual_seed(0)
    model, objective = task.model().train(), task.objective()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    values = []
    for _ in range(6):
        for batch in task.loader("train", train=True, workers=0, batch_size=20):
            output = task.forward(model, batch)
            loss = objective(output.prediction, output.target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
    assert values[-1] < values[0]


def run(recipe: Recipe, folder: Path, *sinks: Callable[[Any], None]) -> dict[str, Any]:
    start_run(recipe, folder, sinks=sinks, echo=lambda _: None)
    return json.loads((folder / "summary.json").read_text())


def test_a_run_learns_and_keeps_what_the_report_shows(three: Path, tmp_path: Path) -> None:
    augment = {"data": {"path": str(three), "normalize": "data", "augment": ["horizontal_flip"]}}
    summary = run(Recipe.parse(document(three, epochs=9, **augment)), tmp_path / "run")
    assert summary["val"]["default"]["accuracy"] > 0.9
    assert summary["classes"] == CLASSES
    assert summary["counts"]["pixels"] == [8, 8, 4]
    assert summary["key_metrics"][0] == "accuracy"
    assert "of the images right" in summary["story"]["val"]
    wall = np.load(tmp_path / "run" / "wall.npz")
    assert wall["panel_names"].tolist() == ["image", "probabilities"]
    assert min(wall["panel_0_0"].shape[:2]) >= 128
    assert len(list((tmp_path / "run" / "snapshots").iterdir())) == 9
    augmented = np.load(tmp_path / "run" / "augmented.npz")
    assert augmented["names"][0] == "train/ant/00.png"
    shown = augmented["original_0"]
    for version in (augmented[f"augmented_0_{j}"] for j in range(4)):
        assert np.array_equal(version, shown) or np.array_equal(version, shown[:, ::-1])
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert [figure["kind"] for figure in evaluation["val"]["figures"]] == ["confusion", "bars", "lines", "lines"]
    assert len(evaluation["test"]["samples"]) == 2


class StoppedError(Exception):
    pass


def stop_at(epoch: int) -> Callable[[Mapping[str, Any]], None]:
    def sink(event: Mapping[str, Any]) -> None:
        if event["kind"] == "epoch" and event["epoch"] == epoch:
            raise StoppedError

    return sink


def test_a_resumed_run_ends_where_the_uninterrupted_one_ends(three: Path, tmp_path: Path) -> None:
    data = {"path": str(three), "augment": ["gaussian_noise", {"rotate": {"degrees": 30}}]}
    recipe = Recipe.parse(document(three, data=data, model=SMALL | {"dropout": 0.3}, scheduler="cosine"))
    run(recipe, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(recipe, tmp_path / "halved", stop_at(2))
    resume_run(tmp_path / "halved", echo=lambda _: None)
    for name in ("last.pt", "best.pt"):
        mine, theirs = (read_checkpoint(tmp_path / each / "checkpoints" / name) for each in ("halved", "whole"))
        key = "model" if name == "best.pt" else "training"
        states = [part if name == "best.pt" else part["model"] for part in (mine[key], theirs[key])]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][each], states[1][each]) for each in states[0])


def test_a_model_says_what_an_image_file_shows(three: Path, several: Path, tmp_path: Path) -> None:
    task = opened(three)
    said = task.predict(Shade(task), three / "test" / "bee" / "00.png")
    assert said.facts["class"] == "bee"
    assert said.facts["probs"]["bee"] > 0.99
    assert sum(said.facts["probs"].values()) == pytest.approx(1.0)
    assert said.pictures["probabilities"].ndim == 3
    both = opened(several, model=SMALL | {"activation": "sigmoid"}, loss="focal")
    assert set(both.predict(both.model().eval(), several / "00.png").facts["labels"]) <= {"dark", "red"}


def test_batches_of_one_image_are_left_out_while_training(three: Path) -> None:
    task = opened(three)
    assert len(task.loader("train", train=True, workers=0, batch_size=19)) == 1
    assert len(task.loader("train", train=False, workers=0, batch_size=19)) == 2
    assert len(task.loader("train", train=True, workers=0, batch_size=6)) == 4


def test_the_data_are_summed_up_split_by_split(three: Path) -> None:
    rows = opened(three).overview()
    assert rows[0] == {"split": "train", "images": "20", "ant": "8", "bee": "8", "cat": "4"}
    assert rows[2] == {"split": "test", "images": "2", "ant": "0", "bee": "2", "cat": "0"}


def test_problems_are_all_told(three: Path) -> None:
    section = Recipe.parse(document(three)).section("data")
    assert ClassificationTask.problems(section) == []
    for name in ("ant/00.png", "cat/01.png"):
        path = three / "train" / name
        path.write_bytes(path.read_bytes()[:60])
    assert len(ClassificationTask.problems(section)) == 2


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"loss": "ctc"}, "`ctc` does not suit classification; these do: asymmetric, bi_tempered"),
        ({"loss": "binary_cross_entropy"}, r"set model.activation=sigmoid"),
        ({"model": SMALL | {"prior": 0.01}}, r"`model.prior` goes with activation: sigmoid"),
        ({"model": {"name": "resnet19"}}, r"`model.name` is 'resnet19'; nearest: resnet1"),
        (
            {"model": SMALL | {"depth": 5}},
            r"5 stages of small_cnn need images of 16 pixels a side or more; these are 6x6",
        ),
        ({"model": {"name": "vit_tiny_patch16_224"}}, r"can't take images of 6x6"),
        ({"model": SMALL | {"activation": "relu"}}, "activation"),
        ({"loss": {"cross_entropy": {"weight": [1, 2]}}}, "a number for each of the 3 classes"),
        ({"best": "iou"}, "iou"),
        ({"data": {"path": "nowhere"}}, "does not exist; built-in data sets"),
    ],
)
def test_mistakes_are_named_in_one_line(three: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=words) as caught:
        opened(three, **keys)
    assert "\n" not in str(caught.value)


def test_several_labels_need_sigmoid(several: Path) -> None:
    with pytest.raises(ValueError, match=r"several labels or none .*: set model.activation=sigmoid"):
        opened(several)


def test_a_prior_is_where_a_fresh_model_starts(three: Path) -> None:
    task = opened(three, model=SMALL | {"activation": "sigmoid", "prior": 0.01}, loss="focal")
    torch.testing.assert_close(task.model().classifier.bias.sigmoid(), torch.full((3,), 0.01))


def test_the_built_in_recipe_of_digits_opens() -> None:
    task = load_recipe("digits").open()
    assert task.name == "classification"
    assert len(task.facts()["classes"]) == 10


def test_noise_is_told(tmp_path: Path) -> None:
    task = load_recipe("digits", ["data.label_noise={rate: 0.4}"]).open()
    assert task.facts()["wrong_labels"] == pytest.approx(0.4 * 1259, abs=90)


def test_presence_is_set_against_absence_by_counts_of_images(several: Path) -> None:
    loss = {"binary_cross_entropy": {"pos_weight": "inverse"}}
    task = opened(several, model=SMALL | {"activation": "sigmoid"}, loss=loss)
    present = task.data.targets["train"].sum(0)
    assert task.loss["binary_cross_entropy"]["pos_weight"] == pytest.approx(((20 - present) / present).tolist())
