"""The task of detection: right models score right, losses by part, runs that resume, what does not fit is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piste.training.checkpoint import read_checkpoint
from piste.training.recipe import Recipe, load_recipe
from piste.training.run import resume_run, start_run
from tests.tasks.detection.squares import SMALL, Reader, document, opened


def evaluated(task, model, split="val"):
    scores = task.scores()
    for batch in task.loader(split, train=False, workers=0, batch_size=3):
        scores.update(task.forward(model.eval(), batch))
    return scores.compute()


def test_a_right_model_scores_1_and_a_wrong_one_0(squares):
    task = opened(squares)
    right, off = evaluated(task, Reader(score=0.98)), evaluated(task, Reader(score=0.98, shift=30))
    assert (right["ap50"], right["ap"], right["precision/red"], right["recall/red"]) == (1.0, 1.0, 1.0, 1.0)
    assert (right["recall/blue"], right["count_error/blue"]) == (0.0, 0.5)  # its scores lie below 0.5
    assert (off["ap50"], off["f1"]) == (0.0, 0.0)
    assert list(right) == list(task.metric_names)
    assert set(task.key_metrics) | {task.default_metric} <= set(right)


def test_counts_objects_in_facts_and_overview(squares):
    task = opened(squares)
    assert task.facts()["classes"] == ["red", "blue"]
    assert task.facts()["counts"]["pixels"] == (8, 4)  # every image has a red square, every second a blue one
    train, val, _ = task.overview()
    assert (train["images"], train["red"], train["blue"], train["images with blue"]) == ("8", "8", "4", "4")
    assert (val["split"], val["blue"]) == ("val", "2")


def test_images_count_and_detections_are_there_in_eval_mode_alone(squares):
    task = opened(squares)
    model = task.model()
    batch = next(iter(task.loader("train", train=True, workers=0, batch_size=4)))
    trained = task.forward(model.train(), batch)
    assert trained.counted == 4
    assert "detections" not in trained.prediction
    with torch.no_grad():
        seen = task.forward(model.eval(), batch)
    assert len(seen.prediction["detections"]) == len(seen.target["detections"]) == 4
    assert task.objective()(seen.prediction, seen.asked, mask=seen.mask).isfinite()


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("retinanet", {"classification": "varifocal", "box": {"sum": ["box_l1", {"box_iou": {}, "scale": 2.0}]}}),
        ("retinanet", {"sequence": [{"loss": {}, "epochs": 1}, {"loss": {"classification": "quality_focal"}}]}),
        ("fcos", {"box": {"box_iou": {"kind": "ciou"}}}),
        ("ssd", {}),
        ("faster_rcnn", {"classification": {"cross_entropy": {"weight": {"background": 1, "red": 2, "blue": 3}}}}),
        ("mask_rcnn", {}),
    ],
)
def test_detectors_learn(squares, name, loss):
    model: dict[str, Any] = {"name": name, "backbone": "tu-lcnet_050", "strides": [8, 16]}
    model |= {} if name == "ssd" else {"width": 32}
    if "rcnn" in name:
        few = {"rpn_post_nms_top_n_train": 20, "box_batch_size_per_image": 16}
        model |= {"anchor_sizes": [[12], [24]], "anchor_ratios": [1.0], "options": few}
    masks = {"masks": True} if name == "mask_rcnn" else {}
    task = opened(squares, model=model, loss=loss, data={"path": str(squares), "normalize": "data", **masks})
    torch.manual_seed(0)
    net, objective = task.model().train(), task.objective()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    values = []
    for _ in range(3):
        for batch in task.loader("train", train=True, workers=0, batch_size=4):
            output = task.forward(net, batch)
            value = objective(output.prediction, output.asked, mask=output.mask)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
    assert values[-1] < values[0]


def test_the_resolved_loss_says_what_prices_each_part(squares):
    terms = {term["part"]: term for term in opened(squares, loss={"box": "box_iou"}).loss["sum"]}
    assert terms["classification"]["focal"]["alpha"] == 0.25
    assert terms["box"]["box_iou"] == {"kind": "giou"}
    again = opened(squares, loss=opened(squares, loss={"box": "box_iou"}).loss)
    assert {term["part"]: term for term in again.loss["sum"]} == terms


def test_class_weights_come_from_the_counts_of_objects(squares):
    task = opened(squares, loss={"classification": {"focal": {"weight": "inverse"}}})
    (weight,) = (term["focal"]["weight"] for term in task.loss["sum"] if term["part"] == "classification")
    assert weight == pytest.approx([2 / 3, 4 / 3], abs=1e-5)  # counts 8 and 4, the mean is 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"loss": {"classification": "dice"}}, "`dice` does not suit the part classification of detection; these do:"),
        ({"loss": {"centerness": "focal"}}, "the loss of detection has no key 'centerness'"),
        ({"loss": {"box": "focal"}}, "loss.box: `focal` does not suit the part box of detection; these do: box_iou, b"),
        ({"loss": "focal"}, "the loss of detection is a mapping with the keys classification, box; got 'focal'"),
        ({"model": SMALL | {"name": "mask_rcnn"}}, "mask_rcnn learns from outlines; set data.masks=true"),
        ({"model": SMALL | {"backbone": "resnet1"}}, "`model.backbone` is 'resnet1'"),
        ({"best": "iou"}, "iou"),
        (
            {"model": {"name": "ssd", "strides": [8, 16], "normalizer": "image"}, "loss": {}},
            "`model.normalizer` is image, but multi_box divides by what it takes itself; leave batch, or choose",
        ),
        (
            {"model": SMALL | {"name": "faster_rcnn"}, "loss": {"classification": {"focal": {"weight": "inverse"}}}},
            "`weight` is still 'inverse'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(squares, keys, said):
    with pytest.raises(ValueError) as raised:
        opened(squares, **keys)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_loss_of_ones_own_is_told_which_boxes_count_or_refused(squares, tmp_path):
    (tmp_path / "own.py").write_text(
        "def fair(predicted, target, *, sample_weight):\n"
        "    return ((predicted - target).abs().sum(-1) * sample_weight).sum() / 64\n\n\n"
        "def careless(predicted, target):\n    return (predicted - target).abs().mean()\n"
    )
    quiet = {"echo": lambda _: None}
    own = {name: {"box": {"custom": f"{tmp_path}/own.py:{name}"}} for name in ("fair", "careless")}
    with pytest.raises(ValueError, match="`sample_weight` was given, but the term `careless` takes none"):
        start_run(Recipe.parse(document(squares, loss=own["careless"], epochs=1)), tmp_path / "no", **quiet)
    task = opened(squares, loss=own["fair"])
    output = task.forward(task.model(), next(iter(task.loader("train", train=True, workers=0, batch_size=4))))
    objective = task.objective()
    objective(output.prediction, output.asked, mask=output.mask)
    corners, target = output.prediction["box.corners"], output.target["box.corners"]
    weighted = (corners - target["labels"]).abs().sum(-1) * target["sample_weight"]
    torch.testing.assert_close(objective.terms["fair"].raw, weighted.sum().detach() / 64)


def tensors(state):
    """Every tensor of a checkpoint, in order."""
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, dict | list):
        for each in state.values() if isinstance(state, dict) else state:
            yield from tensors(each)


def test_a_run_that_is_cut_off_ends_where_it_would_have_ended(squares, tmp_path):
    augment = ["horizontal_flip", "rotate90"]
    data = {"path": str(squares), "normalize": "data", "augment": augment}
    recipe = Recipe.parse(document(squares, data=data, epochs=3))
    start_run(recipe, tmp_path / "whole", echo=lambda _: None)

    class CutError(Exception):
        pass

    def cut(event):
        if event["kind"] == "epoch" and event["epoch"] == 2:
            raise CutError

    with pytest.raises(CutError):
        start_run(recipe, tmp_path / "cut", sinks=(cut,), echo=lambda _: None)
    resume_run(tmp_path / "cut", echo=lambda _: None)
    ends = [json.loads((tmp_path / run / "summary.json").read_text()) for run in ("whole", "cut")]
    assert ends[0]["val"] == ends[1]["val"]
    models = [read_checkpoint(tmp_path / run / "checkpoints" / "best.pt") for run in ("whole", "cut")]
    assert all(torch.equal(a, b) for a, b in zip(*map(tensors, models), strict=True))
    assert ends[0]["key_metrics"][0] == "ap50"
    assert (tmp_path / "whole" / "augmented.npz").is_file()
    with np.load(tmp_path / "whole" / "wall.npz") as wall:
        assert wall["panel_0_0"].shape[2] == 3


def test_a_file_is_predicted_in_its_own_pixels(squares, tmp_path):
    prepared = {"path": str(squares), "normalize": "data", "prepare": [{"resize": {"height": 128, "width": 64}}]}
    prediction = opened(squares, data=prepared).predict(Reader(score=0.8), squares / "images" / "val0.png")
    (found,) = prediction.facts["objects"]
    image = np.asarray(Image.open(squares / "images" / "val0.png"))
    rows, columns = np.nonzero(image[..., 0] > 200)
    assert found["class"] == "red"
    assert found["score"] == pytest.approx(0.8)
    assert found["box"] == pytest.approx([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], abs=1.0)
    assert prediction.pictures["boxes"].ndim == 3


def test_a_snapshot_leaves_the_model_as_it_was(squares):
    task = opened(squares)
    model = Reader().train()
    picture = task.snapshot(model)
    assert model.training
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


def test_the_built_in_recipe_opens():
    task = load_recipe("trees").open()
    assert task.data.class_names == ("tree",)
    assert Path(task.data.folder).name == "trees"
