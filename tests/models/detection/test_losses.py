"""Losses of detectors, held against torchvision's own on the same weights, images and objects."""

import pytest
import torch
from torch.testing import assert_close

from tests.models.detection.conftest import objective

SIZES = {"min_size": 96, "max_size": 144}


def priced(model, images, targets, name, section):
    """Each term of the objective by its part, and the total."""
    found = model(images, targets)
    asked = objective(name, section)
    total = asked(found.prediction, found.target, mask=found.mask)
    return {term.part: asked.terms[term.name].raw for term in asked.phases[0].terms}, total


def from_zero(targets):
    return [{**target, "labels": target["labels"] - 1} for target in targets]


@pytest.mark.parametrize("head_norm", ["group", "none"])
def test_retinanet_costs_what_it_costs_in_torchvision(detector, images, targets, head_norm):
    sizes = [[16, 20], [32, 40], [64, 80]]
    model = detector("retinanet", head_norm=head_norm, anchor_sizes=sizes, prior=0.5, **SIZES)  # negatives count
    own = model.net(images, from_zero(targets))
    terms, total = priced(model, images, targets, "retinanet", {})
    assert_close(terms["classification"], own["classification"])
    assert_close(terms["box"], own["bbox_regression"])
    assert_close(total, sum(own.values()))
    assert own["bbox_regression"] > 0


def test_fcos_costs_what_it_costs_in_torchvision(detector, images, targets):
    model = detector("fcos", prior=0.5, **SIZES)
    own = model.net(images, from_zero(targets))
    terms, total = priced(model, images, targets, "fcos", {})
    assert_close(terms["classification"], own["classification"])
    assert_close(terms["box.corners"], own["bbox_regression"])
    assert_close(terms["centerness"], own["bbox_ctrness"])
    assert_close(total, sum(own.values()))


def test_ssd_costs_what_it_costs_in_torchvision(detector, images, targets):
    model = detector("ssd", size=96)
    own = model.net(images, targets)
    _, total = priced(model, images, targets, "ssd", {})
    assert_close(total, sum(own.values()))
    terms, _ = priced(model, images, targets, "ssd", {"box": "box_l1"})
    assert_close(terms["box"], own["bbox_regression"])


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn"])
def test_two_stages_cost_what_they_cost_in_torchvision(detector, images, targets, name):
    model = detector(name, anchor_sizes=[[16], [32], [64]], **SIZES)
    torch.manual_seed(5)
    own = model.net(images, targets)
    torch.manual_seed(5)
    terms, total = priced(model, images, targets, name, {})
    pairs = {
        "objectness": "objectness",
        "proposal_box": "rpn_box_reg",
        "classification": "classifier",
        "box": "box_reg",
    }
    if name == "mask_rcnn":
        pairs["mask"] = "mask"
    for part, theirs in pairs.items():
        assert_close(terms[part], own[f"loss_{theirs}"])
    assert_close(total, sum(own.values()))
