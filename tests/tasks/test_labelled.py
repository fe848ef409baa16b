"""Segmentation with labels that do not exclude each other: targets, scores, pictures, files, and a whole run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from piste.balance import positive_weights
from piste.losses import BinaryCrossEntropy
from piste.tasks.segmentation import SegmentationTask
from piste.tasks.segmentation.panels import FALSE_ALARM, HIT, MISS, label_panels, label_words
from piste.training.predict import predict_files
from piste.training.recipe import Recipe
from piste.training.run import start_run
from tests.data.labelled import NAMES, SIDE, UNKNOWN, drawn, labelled


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return labelled(tmp_path / "town", {"train": 6, "val": 3, "test": 2})


def document(folder: Path, **settings: Any) -> dict[str, Any]:
    return {
        "task": "segmentation",
        "data": {"path": str(folder), "labels": list(NAMES), "ignore": UNKNOWN, "augment": ["horizontal_flip"]},
        "model": {"depth": 3, "width": 16, "activation": "sigmoid", "auxiliary": [0.4]},
        "loss": {"sum": [{"binary_cross_entropy": {"pos_weight": "inverse"}}, {"boundary": {}, "scale": 0.01}]},
        "epochs": 1,
        "batch_size": 3,
        "workers": 0,
        "device": "cpu",
    } | settings


def opened(folder: Path, **settings: Any) -> SegmentationTask:
    task = Recipe.parse(document(folder, **settings)).open()
    assert isinstance(task, SegmentationTask)
    return task


class Colours(nn.Module):
    """Reads the labels off red, green and blue, as the images were drawn; `sure` is the probability of a yes."""

    def __init__(self, sure: float = 0.999) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.sure = sure

    def forward(self, image: Tensor) -> Tensor:
        mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        return torch.where(image * 0.22 + mean > 0.5, self.sure, 0.001).logit()


def test_a_right_model_scores_1_for_every_label(town: Path) -> None:
    task = opened(town, loss="binary_cross_entropy")
    scores = task.scores()
    for batch in task.loader("val", train=False, workers=0, batch_size=2):
        output = task.forward(Colours(), batch)
        scores.update(output)
        assert task.objective()(output.prediction, output.asked, mask=output.mask) < 0.01
    found = scores.compute()
    assert set(found) == set(task.metric_names)
    assert all(value == pytest.approx(float("count_error" not in name)) for name, value in found.items())


def test_targets_and_masks_are_those_of_each_label(town: Path) -> None:
    task = opened(town, loss="binary_cross_entropy")
    (batch,) = task.loader("val", train=False, workers=0, batch_size=3)
    model = task.model().eval()
    output = task.forward(model, batch)
    truth = np.stack([np.stack([drawn(7 + i)[name] for name in NAMES]) for i in range(3)])
    assert np.array_equal((output.target & output.mask).numpy(), truth & output.mask.numpy())
    assert output.mask[:, [0, 2]].all()
    assert not output.mask[:, 1, 0].any()
    assert output.mask[:, 1, 1:].all()
    assert output.counted == 3 * (3 * SIDE * SIDE - SIDE)
    loss = task.objective()(output.prediction, output.asked, mask=output.mask)
    known, logits = output.mask, output.prediction
    by_hand = nn.functional.binary_cross_entropy_with_logits(logits[known], torch.from_numpy(truth)[known].float())
    torch.testing.assert_close(loss, by_hand)


def test_weights_come_from_the_counts_of_each_label(town: Path) -> None:
    loss = next(m for m in opened(town).objective().modules() if isinstance(m, BinaryCrossEntropy))
    expected = positive_weights([6 * 96, 6 * 90, 6 * 64], 6 * SIDE * SIDE, "inverse")
    torch.testing.assert_close(torch.as_tensor(loss.pos_weight).flatten(), expected.float(), rtol=1e-3, atol=1e-3)


def test_the_loader_makes_distance_maps_of_each_label(town: Path) -> None:
    task = opened(town)
    assert task.data.combinations is not None
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=3)))
    for maps, codes in zip(batch["distance"], batch["target"], strict=True):
        torch.testing.assert_close(maps, task.data.combinations.distance_maps(codes))
    assert batch["distance"].shape == (3, 3, SIDE, SIDE)
    assert task.forward(task.model(), batch).beside.keys() == {"distance"}


def test_each_label_has_a_threshold_of_its_own(town: Path) -> None:
    task = opened(town)
    batches = task.loader("val", train=False, workers=0, batch_size=2)
    found = task.examine(Colours(sure=0.3), "val", batches, None)
    assert found.scores["default"]["recall"] == found.scores["default"]["object_recall"] == 0.0
    assert found.scores["best_threshold"]["f1"] == found.scores["best_threshold"]["object_f1"] == 1.0
    assert list(found.kept["thresholds"]) == list(NAMES)
    assert all(0.001 < threshold <= 0.3 for threshold in found.kept["thresholds"].values())
    test = task.loader("test", train=False, workers=0, batch_size=2)
    kept = task.examine(Colours(sure=0.3), "test", test, found)
    assert kept.kept == found.kept
    assert "confusion" not in found.further
    assert [shown.score for shown in found.wall] == [0.0] * 3
    assert found.samples[0]["wrong"] == 96 + 90 + 64
    assert found.wall[0].note.startswith("IoU roof 0.00, shadow 0.00, road 0.00")


def test_a_panel_shows_what_is_found_missed_and_made_up_of_its_label() -> None:
    truth, predicted = np.zeros((2, 3, 4), bool), np.zeros((2, 3, 4), bool)
    truth[0, 0, :2] = predicted[0, 0, 1:3] = truth[1, 0] = predicted[1, 0] = True
    counted = np.ones_like(truth)
    counted[1, 0, 0] = False
    panels = label_panels(np.full((3, 4, 3), 90, np.uint8), predicted, truth, counted, ["roof", "image"])
    assert list(panels) == ["image", "roof", "label image"]
    times = panels["roof"].shape[0] // 3
    colours = panels["roof"][0, ::times].astype(int)
    for place, colour in ((0, MISS), (1, HIT), (2, FALSE_ALARM)):
        assert np.abs(colours[place] - colour).max() < 75
        assert np.abs(colours[place] - colour).sum() == min(
            np.abs(colours[place] - each).sum() for each in (HIT, MISS, FALSE_ALARM)
        )
    assert len(set(colours[3])) == 1  # grey
    assert len(set(panels["label image"][0, 0].tolist())) == 1  # not known
    assert label_words(predicted, truth, counted, ["roof", "image"]).startswith("IoU roof 0.33, image 1.00 (blue")


def test_many_labels_are_outlined_in_colours_that_the_note_names() -> None:
    maps = np.zeros((5, 20, 20), bool)
    maps[0, 2:9, 2:9] = maps[4, 5:15, 5:15] = True
    names = [f"l{i}" for i in range(5)]
    panels = label_panels(np.full((20, 20, 3), 90, np.uint8), maps, maps, np.ones_like(maps), names)
    assert list(panels) == ["image", "truth", "predicted"]
    assert {(255, 216, 64), (214, 130, 240)} <= set(map(tuple, panels["truth"].reshape(-1, 3).tolist()))
    assert label_words(maps, maps, np.ones_like(maps), names) == "IoU l0 (yellow) 1.00, l4 (violet) 1.00"
    assert "no label" in label_words(maps & False, maps & False, maps, names)


def test_a_run_trains_is_examined_and_predicts_a_mask_of_each_label(town: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    start_run(Recipe.parse(document(town)), run, echo=lambda _: None)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["classes"] == list(NAMES)
    assert summary["background"] is None
    assert set(summary["thresholds"]["best"]) == set(NAMES)
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert set(evaluation["test"]["curves"]) == set(NAMES)
    wall = np.load(run / "wall.npz")
    assert wall["panel_names"].tolist() == ["image", *NAMES]
    augmented = np.load(run / "augmented.npz")
    assert augmented["original_0"].shape[2] == 3
    assert not any("mask" in key for key in augmented.files)
    assert predict_files(run, [town / "images" / "val0.png"], tmp_path / "out") == []
    (line,) = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    for name, share in json.loads(line)["shares"].items():
        mask = np.asarray(Image.open(tmp_path / "out" / f"val0.label_{name}.png"))
        assert mask.shape == (SIDE, SIDE)
        assert set(np.unique(mask)) <= {0, 255}
        assert (mask == 255).mean() == pytest.approx(share)


def test_a_file_is_predicted_label_by_label_at_its_own_size(town: Path) -> None:
    task = opened(town)
    said = task.predict(Colours().eval(), town / "images" / "val0.png")
    for name, map_ in drawn(7).items():
        assert np.array_equal(said.pictures[f"label_{name}"] == 255, map_)
        assert said.facts["shares"][name] == pytest.approx(map_.mean())


def test_the_overview_tells_of_each_label(town: Path) -> None:
    row = opened(town).overview()[0]
    assert row["roof pixels"] == f"{6 / 16:.2%}"
    assert row["images with road"] == "6"


def test_softmax_is_refused(town: Path) -> None:
    with pytest.raises(ValueError, match=r"`model\.activation: sigmoid`; got softmax"):
        opened(town, model={"depth": 3}, loss="cross_entropy")
