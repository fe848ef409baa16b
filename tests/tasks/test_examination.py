"""The last look: two thresholds, the worst images first, and pictures that line up."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piste.tasks.segmentation import examination
from piste.tasks.segmentation.examination import examine
from tests.tasks.test_segmentation import Grey, open_stripes


class Unsure(nn.Module):
    """Sees every lake with a probability of 0.3 and nothing else at all."""

    def forward(self, image: Tensor) -> Tensor:
        truth = Grey([0, 1, 2])(image).argmax(1)
        lake = torch.where(truth == 1, 0.3, 0.01)
        return torch.stack([1 - lake - 1e-6, lake, torch.full_like(lake, 1e-6)], 1).log()


def test_the_best_threshold_finds_what_one_half_misses(stripes: Path) -> None:
    task = open_stripes(stripes)
    batches = task.loader("val", train=False, workers=0, batch_size=2)
    found = examine(task, Unsure(), "val", batches)
    assert found.scores["default"]["recall/lake"] == 0.0
    assert found.scores["best_threshold"]["recall/lake"] == found.scores["best_threshold"]["precision/lake"] == 1.0
    assert found.scores["best_threshold"]["object_f1/lake"] == 1.0
    assert 0.01 < found.kept["thresholds"]["lake"] <= 0.3
    lakes = found.further["objects"]["default"]["lake"]["truth"]
    assert lakes > 0
    assert found.further["objects"]["default"]["lake"] == {"truth": lakes, "predicted": 0, "matched": 0}
    assert found.further["objects"]["best_threshold"]["lake"] == {"truth": lakes, "predicted": lakes, "matched": lakes}


def test_thresholds_of_another_split_are_kept(stripes: Path) -> None:
    task = open_stripes(stripes)
    batches = task.loader("test", train=False, workers=0, batch_size=2)
    found = examine(task, Unsure(), "test", batches, {"lake": 0.9, "river": 0.9})
    assert found.kept["thresholds"] == {"lake": 0.9, "river": 0.9}
    assert found.scores["best_threshold"]["recall/lake"] == 0.0


def test_the_confusion_matrix_has_truth_in_its_rows(stripes: Path) -> None:
    task = open_stripes(stripes)
    found = examine(task, Unsure(), "val", task.loader("val", train=False, workers=0, batch_size=2))
    matrix = np.array(found.further["confusion"])
    assert matrix[:, 0].sum() == matrix.sum()  # everything is called ground
    assert (matrix[1:].sum(1) > 0).all()


class WorseLater(nn.Module):
    """Right in the first image of a batch, a column off in the second, blind in the third."""

    def forward(self, image: Tensor) -> Tensor:
        logits = Grey([0, 1, 2])(image)
        logits[1] = logits[1].roll(1, -1)
        logits[2] = torch.tensor([10.0, 0.0, 0.0]).view(3, 1, 1)
        return logits


def test_the_worst_image_comes_first_and_its_pictures_line_up(stripes: Path) -> None:
    task = open_stripes(stripes)
    found = examine(task, WorseLater(), "val", task.loader("val", train=False, workers=0, batch_size=3))
    assert found.samples[-1]["name"] == "val0"
    assert {found.samples[0]["name"], found.samples[1]["name"]} == {"val1", "val2"}
    assert [seen.name for seen in found.wall] == [image["name"] for image in found.samples]
    for seen in found.wall:
        grey = seen.panels["image"][..., 0]
        assert np.array_equal(np.rint(grey / 60), seen.panels["truth"])
        assert seen.panels["prob"].shape == seen.panels["predicted"].shape == grey.shape


def test_the_wall_keeps_the_worst_within_its_budget(stripes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "WALL_LEAST", 1)
    monkeypatch.setattr(examination, "WALL_PIXELS", 0)
    task = open_stripes(stripes)
    found = examine(task, WorseLater(), "val", task.loader("val", train=False, workers=0, batch_size=3))
    assert [seen.name for seen in found.wall] == [found.samples[0]["name"]]
    assert len(found.samples) == 3
