"""Four classes, no background, images that aren't square: the page still says what is so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from piste.metrics import PixelScores, image_scores, worst_first
from piste.report.comparison import write_comparison
from piste.report.page import write_report
from piste.report.record import RunRecord
from piste.report.story import threshold_sentence
from piste.report.tables import comparison_rows

CLASSES = ["land", "lake", "road", "never there"]


@pytest.fixture(scope="module", params=[None, 0], ids=["no background", "background"])
def run(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "four"
    folder.mkdir()
    background = request.param
    generator = torch.Generator().manual_seed(7)
    truth = torch.randint(0, 3, (3, 5, 7), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)
    truth[:, :3] = 255
    probs = torch.randn(3, 4, 5, 7, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    probs[:, 3] = -50.0
    probs = (probs + 1.5 * torch.nn.functional.one_hot(truth % 4, 4).movedim(-1, 1)).softmax(1)
    said = probs.argmax(1)
    scores = PixelScores(CLASSES, background)
    scores.update(probs, truth)
    null = {name: None if np.isnan(value) else value for name, value in scores.compute().items()}
    best = scores.best_threshold()
    at_best = {name: None if np.isnan(value) else value for name, value in scores.at(best).items()}
    summary = {
        "status": "finished",
        "classes": CLASSES,
        "background": background,
        "counts": {"pixels": [500, 300, 40, 0], "images": [3, 3, 1, 0]},
        "weights": {"focal": [0.2, 0.3, 1.5, 0.0], "dice": [1, 1, 2, 0]},
        "val": {"default": null, "best_threshold": at_best},
        "test": None,
        "thresholds": {"default": 0.5, "best": best},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    curves = {name: curve._asdict() for name, curve in scores.curves().items()}
    evaluation = {"val": {"confusion": scores.confusion(), "curves": curves, "images": []}, "test": None}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    event = {"n": 0, "kind": "epoch", "time": 1.0, "epoch": 1, "train": {}, "val": {"metrics": null}}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    singles = image_scores(said, truth, classes=4, background=background)
    arrays = {"names": np.array(["a", "b", "c"]), "scores": np.array([single.iou for single in singles])}
    for place, i in enumerate(worst_first(singles)):
        arrays[f"image_{place}"] = np.full((40, 56, 3), 90, np.uint8)
        arrays[f"truth_{place}"] = truth[i].numpy().astype(np.uint8)
        arrays[f"predicted_{place}"] = said[i].numpy().astype(np.uint8)
        arrays[f"prob_{place}"] = (probs[i].amax(0).numpy() * 255).astype(np.uint8)
    np.savez(folder / "wall.npz", **arrays)
    return folder


def test_the_page_speaks_of_all_classes(run):
    page = write_report(run).read_text("utf-8")
    count = len(RunRecord.read(run).foreground)
    assert "of the foreground pixels at" in page
    assert f"averaged over {count} classes" in page
    assert "wrong class" in page
    assert "not counted" in page
    assert "weight, focal" in page
    assert "weight, dice" in page


def test_the_colours_of_the_classes_are_explained(run):
    page = write_report(run).read_text("utf-8")
    legend = page[page.index('class="legend"') :]
    assert re.findall(r"</span>([\w ]+)</li>", legend[: legend.index("</ul>")]) == RunRecord.read(run).foreground


def test_thresholds_of_several_classes_are_spoken_of_in_the_plural(run):
    assert "The thresholds with the highest F1 on validation (" in threshold_sentence(RunRecord.read(run))
    assert re.search(r"\) (move|leave) F1", threshold_sentence(RunRecord.read(run)))


def test_every_class_has_its_rows(run):
    labels = [row.label for row in comparison_rows([run, run])]
    assert "IoU, lake" in labels
    assert "Recall, road" in labels
    assert "IoU, never there" not in labels


def test_runs_of_several_classes_are_compared(run, tmp_path):
    page = write_comparison([run, run], tmp_path).read_text("utf-8")
    assert 'id="wall"' in page
    assert (tmp_path / "figures" / "curve_val.png").is_file()
