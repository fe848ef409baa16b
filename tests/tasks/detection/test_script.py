"""Detectors as scripts of plain PyTorch: the losses of the run, step by step, and its scores."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

from piste.metrics.detection import DetectionScores
from piste.training.recipe import Recipe
from piste.training.script import script_of
from tests.data.script.test_boxes import annotated
from tests.tasks.detection.squares import SMALL, document
from tests.training.script.whole import assert_reads_well, assert_same_training, run_with_scripts

TIMM = {"backbone": "tu-lcnet_050", "strides": [8, 16], "width": 32}
PLAIN = {key: value for key, value in TIMM.items() if key != "width"}
MIXED = [
    {"copy_paste": {"outline": "ellipse", "p": 0.5}},
    {"mosaic": {"p": 0.5}},
    "horizontal_flip",
    "rotate90",
    {"shift_scale_rotate": {"degrees": 0, "scale": 0.25}},
    {"grey": {"p": 0.1}},
]
CASES: dict[str, dict[str, Any]] = {
    "retinanet": {
        "model": SMALL | {"min_size": 48, "prior": 0.3},
        "loss": {"classification": {"focal": {"alpha": 0.25}}, "box": {"box_iou": {"kind": "giou"}}},
        "augment": MIXED,
        "ema": 0.9,
        "clip": 5.0,
    },
    "retinanet_by_quality": {
        "model": {
            **{"name": "retinanet", "backbone": "resnet18", "strides": [16, 32, 64], "norm": "group", "width": 32},
            **{"normalizer": "batch", "head_norm": "none", "anchor_sizes": [[16], [24], [48]]},
        },
        "loss": {
            "sequence": [
                {"loss": {"classification": "varifocal", "box": {"sum": ["box_l1", {"box_iou": {"kind": "eiou"}}]}}}
                | {"epochs": 1},
                {"loss": {"classification": "quality_focal", "box": {"box_iou": {"kind": "iou"}}}, "epochs": 1},
                {"loss": {"classification": {"iou_balanced_classification": {"eta": 1.0}}}},
            ]
        },
        "epochs": 3,
    },
    "fcos": {
        "model": {"name": "fcos", **TIMM, "normalizer": "image"},
        "loss": {
            "classification": {"binary_cross_entropy": {"pos_weight": 2.0}},
            "box": {"sum": [{"box_iou": {"kind": "ciou"}}, {"huber": {"delta": 0.5}, "scale": 0.5}]},
        },
        "optimizer": {"sgd": {"lr": 0.001}},  # rounding grows fast where these costs are high
        "accumulate": 2,
        "batch_size": 2,
    },
    "ssd": {"model": {"name": "ssd", **PLAIN, "strides": [8, 16, 32, 64]}, "loss": {}, "epochs": 1},  # with crowds
    "faster_rcnn": {
        "model": {
            **{"name": "faster_rcnn", **TIMM, "anchor_sizes": [[12], [24], [48]], "anchor_ratios": [0.5, 1.0]},
            "options": {"rpn_post_nms_top_n_train": 20, "rpn_post_nms_top_n_test": 10, "box_batch_size_per_image": 16},
            "strides": [16, 32, 64],
        },
        "loss": {
            "classification": {"sum": [{"focal": {"weight": [1.0, 2.0, 3.0]}}, {"hard_mining": {"keep": 0.5}}]},
            "box": {"sum": [{"box_iou": {"kind": "diou"}}, {"huber": {}, "scale": 0.5}]},
            "proposal_box": {"sum": ["box_l1", {"box_iou": {"kind": "ciou"}, "scale": 0.1}]},
        },
        "epochs": 1,
    },
    "ssd_in_parts": {
        "model": {"name": "ssd", **PLAIN, "size": 80, "normalizer": "image"},
        "loss": {
            "sequence": [
                {
                    "loss": {
                        "classification": {"cross_entropy": {"weight": [0.5, 1, 2]}},
                        "box": {"box_l1": {"beta": 0.5}},
                    }
                }
                | {"epochs": 1},
                {"loss": {"classification": "iou_balanced_classification", "box": "iou_balanced_localization"}},
            ]
        },
        "optimizer": {"sgd": {"lr": 1e-4}},  # the same
        "epochs": 2,
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, squares: Path) -> Path:
    """A run and its script for each case."""
    folder = tmp_path_factory.mktemp("scripts")
    recipes = {}
    crowds = annotated(folder / "crowds", square=True, crowd="train and val")
    for name, changes in CASES.items():
        changes = dict(changes)
        own = {"path": str(crowds), "images": "pictures"} if name == "ssd" else {}
        data = {"path": str(squares), "normalize": "data", "augment": changes.pop("augment", [])} | own
        plain = {"optimizer": {"sgd": {"lr": 0.01}}, "device": "cpu", "workers": 0}
        recipes[name] = document(squares, data=data, **plain) | changes
    run_with_scripts(recipes, folder)
    return folder


@pytest.mark.parametrize("name", list(CASES))
def test_a_script_finds_the_losses_and_scores_of_the_run(runs: Path, name: str) -> None:
    assert_same_training(runs, name, steps=2)


@pytest.mark.parametrize(("name", "first"), [("retinanet_by_quality", 0), ("ssd", 1)])
def test_scores_of_a_script_are_ours(runs: Path, name: str, first: int) -> None:
    names = runpy.run_path(str(runs / f"{name}.py"), run_name=name)
    draw = torch.Generator().manual_seed(5)
    found, targets = [], []
    for i in range(6):
        corners = 40 * torch.rand(i, 2, generator=draw)
        boxes = torch.cat([corners, corners + 4 + 20 * torch.rand(i, 2, generator=draw)], 1)
        labels = torch.randint(first, first + 2, (i,), generator=draw)
        targets.append({"boxes": boxes, "labels": labels})
        if name == "ssd":  # whose data has objects that count for nothing
            targets[-1]["iscrowd"] = (torch.rand(i, generator=draw) < 0.4).int()
        again = torch.cat([boxes, boxes, 40 * torch.rand(2, 4, generator=draw).sort().values])
        again = again + 2 * torch.randn(again.shape, generator=draw)
        scores = torch.rand(len(again), generator=draw).sort(descending=True).values
        said = torch.randint(first, first + 2, (len(again),), generator=draw)
        found.append({"boxes": again, "scores": scores, "labels": said})
    ours = DetectionScores(names["CLASSES"])
    same = [[{**each, "labels": each["labels"] + 1 - first} for each in some] for some in (found, targets)]
    ours.update(same[0], [{**each, "crowd": each.get("iscrowd", each["labels"] < 0).bool()} for each in same[1]])
    values, expected = names["scores"](list(zip(found, targets, strict=True))), ours.compute()
    assert 0.1 < values["ap50"] < 0.9
    assert 0.1 < values["f1"] < 0.9
    for name, value in values.items():
        assert value == pytest.approx(expected[name], abs=1e-6), name


@pytest.mark.parametrize("name", list(CASES))
def test_a_script_reads_well(runs: Path, name: str) -> None:
    assert_reads_well(runs / f"{name}.py", lines=520)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"model": SMALL | {"name": "mask_rcnn", "masks": True}},
            "`model.name`: a script can't train mask_rcnn; it can",
        ),
        (
            {"model": {"name": "faster_rcnn", **TIMM, "anchor_sizes": [[12], [24]]}}
            | {"loss": {"box": "iou_balanced_localization"}},
            "a script can't hold iou_balanced_localization in a detector of two stages",
        ),
        ({"data": {"augment": ["shear"]}}, "`data.augment`: a script can't do shear with boxes; it can do"),
        ({"data": {"masks": True}}, "`data.masks`: a script reads boxes alone"),
    ],
)
def test_what_a_script_can_not_do_is_refused_by_name(squares: Path, changes: dict[str, Any], words: str) -> None:
    changes = dict(changes)
    model = dict(changes.pop("model", SMALL))
    data = {"path": str(squares)} | changes.pop("data", {}) | ({"masks": True} if model.pop("masks", False) else {})
    recipe = Recipe.parse(document(squares, data=data, model=model, **changes))
    with pytest.raises(ValueError, match=re.escape(words)):
        script_of(recipe, recipe.open(), "refused")
