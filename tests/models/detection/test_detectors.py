"""Detectors as a task calls them: trained on any loss that suits a part, looked at in eval mode."""

import math

import pytest
import torch
from torch.testing import assert_close

from piste.models.detection.architectures import ARCHITECTURES
from tests.models.detection.conftest import objective

NAMES = list(ARCHITECTURES)
SENSITIVE = {"score_thresh": 0.0}


def small(name):
    if name == "ssd":
        return {"options": SENSITIVE}
    if ARCHITECTURES[name].two_stage:
        few = {"rpn_post_nms_top_n_test": 20, "rpn_post_nms_top_n_train": 20, "box_batch_size_per_image": 16}
        few |= {"box_detections_per_img": 5}
        return {"anchor_sizes": [[16], [32], [64]], "options": {"box_score_thresh": 0.0, **few}}
    return {"options": SENSITIVE}


@pytest.mark.parametrize("name", NAMES)
def test_detections_are_those_of_torchvision_with_labels_from_one(detector, images, targets, name):
    sizes = {"size": 96} if name == "ssd" else {"min_size": 96, "max_size": 144}
    model = detector(name, **small(name), **sizes).eval()
    with torch.no_grad():
        found, own = model(images).detections, model.net(images)
    first = 0 if name == "ssd" or ARCHITECTURES[name].two_stage else 1
    for each, theirs in zip(found, own, strict=True):
        assert len(each["scores"]) > 0
        assert_close(each["boxes"], theirs["boxes"])
        assert_close(each["scores"], theirs["scores"])
        assert each["labels"].tolist() == (theirs["labels"] + first).tolist()
        assert set(each["labels"].tolist()) <= {1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_one_pass_in_eval_mode_gives_losses_and_detections(detector, images, targets, name):
    model = detector(name, **small(name)).eval()
    with torch.no_grad():
        found = model(images, targets)
        asked = objective(name, {})
        assert asked(found.prediction, found.target, mask=found.mask).isfinite()
    assert len(found.detections) == 3
    assert not model(images).prediction
    assert not model.train()(images, targets).detections


def every_loss():
    for name, facts in ARCHITECTURES.items():
        if name == "mask_rcnn":
            continue
        for part, own in facts.parts.items():
            for loss in own.losses:
                yield pytest.param(name, part, loss, id=f"{name}-{part}-{loss}")


@pytest.fixture(scope="module")
def outputs():
    """What each detector said once; losses are cheap beside it."""
    return {}


@pytest.mark.parametrize(("name", "part", "loss"), list(every_loss()))
def test_every_loss_that_suits_a_part_prices_it(detector, images, targets, outputs, name, part, loss):
    if name not in outputs:
        found = detector(name, **small(name))(images, targets)
        outputs[name] = {key: value.detach() for key, value in found.prediction.items()}, found.target, found.mask
    prediction, target, mask = outputs[name]
    leaves = {key: value.clone().requires_grad_() for key, value in prediction.items()}
    asked = objective(name, {part: loss})
    asked(leaves, target, mask=mask).backward()
    (term,) = (term for term in asked.phases[0].terms if term.part.partition(".")[0] == part)
    slope = leaves[term.part].grad
    assert slope.isfinite().all()
    assert (slope != 0).any()


@pytest.mark.parametrize(("name", "part"), [("retinanet", "classification"), ("fcos", "classification")])
def test_iou_aware_losses_learn_the_overlap(detector, images, targets, name, part):
    found = detector(name)(images, targets)
    labels = found.target[f"{part}.quality"]["labels"]
    plain = found.target[part]["labels"]
    assert (labels[plain] < 1).all()
    assert_close(labels.amax(1), found.target[part]["iou"])
    asked = objective(name, {part: {"quality_focal": {"beta": 0.0}}})
    asked(found.prediction, found.target, mask=found.mask)
    weight, logits = found.target[part]["sample_weight"], found.prediction[part]
    cost = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    assert_close(asked.terms["quality_focal"].raw, (cost * weight * found.mask[part]).sum().detach())


def test_anchors_between_the_thresholds_of_retinanet_have_no_gradient(detector, images, targets):
    model = detector("retinanet", anchor_sizes=[[16, 20], [32, 40], [64, 80]])
    found = model(images, targets)
    asked = objective("retinanet", {})
    logits = found.prediction["classification"]
    logits.retain_grad()
    asked(found.prediction, found.target, mask=found.mask).backward()
    ignored = ~found.mask["classification"].expand_as(logits)
    assert ignored.any()
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_images_without_objects_teach_the_background_alone(detector, images, targets, name):
    model = detector(name, **small(name))
    empty = [{key: value[:0] for key, value in target.items()} for target in targets]
    found = model(images, empty)
    asked = objective(name, {})
    total = asked(found.prediction, found.target, mask=found.mask)
    total.backward()
    boxes = [term.name for term in asked.phases[0].terms if "box" in term.part]
    assert total.isfinite()
    assert all(asked.terms[box].raw == 0 for box in boxes)


@pytest.mark.parametrize("name", ["retinanet", "fcos"])
def test_every_place_starts_with_the_prior_as_its_score(detector, name):
    bias = detector(name, prior=0.2).net.head.classification_head.cls_logits.bias
    assert_close(bias.sigmoid(), torch.full_like(bias, 0.2))
    assert bias[0].item() == pytest.approx(-math.log(4.0))


def test_random_weights_follow_the_seed(detector):
    one, same, other = (detector("fcos", seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
