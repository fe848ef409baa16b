"""Detectors as ONNX and as programs of torch: the boxes and scores that the model chooses among."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torchvision.ops import batched_nms

from piste.training.export import export_onnx, export_torch
from piste.training.recipe import Recipe
from piste.training.run import best_model, start_run
from tests.tasks.detection.squares import SMALL, document

TIMM = {"backbone": "tu-lcnet_050", "strides": [8, 16]}
OPTIONS = {"score_thresh": 0.001, "detections_per_img": 30}
FACTS = ("classes", "score_thresh", "nms_thresh", "detections_per_img")
CASES: dict[str, dict[str, Any]] = {
    "retinanet": SMALL | {"min_size": 48, "options": OPTIONS},
    "fcos": {"name": "fcos", **TIMM, "width": 32, "options": OPTIONS},
    "ssd": {"name": "ssd", **TIMM, "size": 80, "options": OPTIONS},
}


def chosen(boxes: torch.Tensor, scores: torch.Tensor, facts: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """What a user makes of the boxes and scores of an image."""
    anchor, label = (scores > facts["score_thresh"]).nonzero().unbind(1)
    boxes, scores = boxes[anchor], scores[anchor, label]
    kept = batched_nms(boxes, scores, label, facts["nms_thresh"])[: facts["detections_per_img"]]
    return boxes[kept], scores[kept]


def assert_chosen_among(found: list[dict[str, torch.Tensor]], said: Any, facts: Mapping[str, Any]) -> None:
    """The detections are what a user would choose among boxes and scores."""
    for each, boxes, scores in zip(found, *said, strict=True):
        mine, sure = chosen(boxes, scores, facts)
        assert len(sure) == len(each["scores"]) > 0
        torch.testing.assert_close(sure, each["scores"], rtol=1e-4, atol=1e-5)
        # equal scores may stand in another order
        apart = torch.cdist(mine, each["boxes"], compute_mode="donot_use_mm_for_euclid_dist")
        assert max(apart.amin(0).max(), apart.amin(1).max()) < 0.01


@pytest.mark.parametrize("name", list(CASES))
@torch.no_grad()
def test_boxes_and_scores_are_those_that_the_model_chooses_among(squares: Path, name: str) -> None:
    torch.manual_seed(1)
    task = Recipe.parse(document(squares, model=CASES[name], loss={})).open()
    model = task.model()
    images = [task.data.dataset("val", train=False)[i]["image"] for i in range(3)]
    model.train()(images)  # so that normalisation has seen something
    exported = task.exported(model.eval())
    assert "[N, 3, 64, 64]" in exported.takes
    assert_chosen_among(model(images).detections, exported.module(torch.stack(images)), exported.facts)


@pytest.mark.slow
def test_files_say_what_the_model_says(squares: Path, tmp_path: Path) -> None:
    recipe = Recipe.parse(document(squares, model=CASES["retinanet"], loss={}, epochs=1, device="cpu", workers=0))
    start_run(recipe, tmp_path / "run", echo=lambda _: None)
    task = recipe.open()
    model = best_model(task, tmp_path / "run").eval()
    export_onnx(tmp_path / "run", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    facts = {key: json.loads(text) for key, text in session.get_modelmeta().custom_metadata_map.items() if key in FACTS}
    assert facts["classes"] == ["red", "blue"]
    images = [task.data.dataset("val", train=False)[i]["image"] for i in range(3)]
    given = torch.stack(images)
    said = [torch.from_numpy(each) for each in session.run(["boxes", "scores"], {"image": given.numpy()})]
    with torch.no_grad():
        assert_chosen_among(model(images).detections, said, facts)
    export_torch(tmp_path / "run", tmp_path / "model.pt2")
    for ours, theirs in zip(torch.export.load(tmp_path / "model.pt2").module()(given), said, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


def test_detectors_of_two_stages_are_refused(squares: Path) -> None:
    model = {"name": "faster_rcnn", **TIMM, "width": 32, "anchor_sizes": [[12], [24]]}
    task = Recipe.parse(document(squares, model=model, loss={})).open()
    with pytest.raises(ValueError, match="faster_rcnn chooses what to look at while it looks"):
        task.exported(task.model())
