"""The `model:` section of detection: what it decides and what it refuses."""

import pytest
import torch
from torchvision.models.detection import retinanet_resnet50_fpn

from piste.models.detection.backbone import build_backbone
from piste.models.detection.build import build_detector, check_detector
from piste.models.detection.recipe import DetectionModelRecipe
from piste.training.recipe import parse_section

COCO_V1 = "RetinaNet_ResNet50_FPN_Weights.COCO_V1"


def recipe(**given):
    return parse_section(DetectionModelRecipe, given)


def test_defaults_are_those_of_the_papers_and_written_out():
    retina = recipe().model_dump()
    assert retina["strides"] == [8, 16, 32, 64, 128]
    assert retina["anchor_sizes"][0] == [32, 40, 50]
    assert retina["anchor_ratios"] == [0.5, 1.0, 2.0]
    assert (retina["prior"], retina["normalizer"], retina["norm"]) == (0.01, "image", "batch")
    assert "size" not in retina
    faster = recipe(name="faster_rcnn").model_dump()
    assert faster["anchor_sizes"] == [[32], [64], [128], [256], [512]]
    assert faster["normalizer"] == "samples"
    assert "prior" not in faster


def test_what_is_written_out_reads_as_the_same():
    for name in ("retinanet", "fcos", "ssd", "faster_rcnn", "mask_rcnn"):
        once = recipe(name=name, strides=[8, 16, 32])
        assert recipe(**once.model_dump(mode="json")) == once


def test_loaded_weights_stand_still_unless_said_otherwise():
    assert recipe(weights_backbone="imagenet").norm == "frozen"
    assert recipe(weights_backbone="imagenet", norm="batch").norm == "batch"
    assert recipe(weights="coco", backbone="resnet50").head_norm == "none"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "yolo"}, "`model.name` is 'yolo'; there are"),
        ({"name": "fcos", "anchor_sizes": [[8]]}, "`model.anchor_sizes` does not apply to fcos; retinanet, ssd,"),
        (
            {"name": "ssd", "min_size": 300},
            "`model.min_size` does not apply to ssd; retinanet, fcos, faster_rcnn, mask",
        ),
        ({"name": "faster_rcnn", "prior": 0.1}, "`model.prior` does not apply to faster_rcnn; retinanet, fcos take it"),
        (
            {"options": {"score_tresh": 0.1}},
            "`model.options.score_tresh` is no setting of retinanet; nearest: score_thresh",
        ),
        ({"normalizer": "samples"}, "`model.normalizer` of retinanet is image or batch; got samples"),
        ({"strides": [8, 32]}, "`model.strides` start at 4 … 32 and double, such as [8, 16, 32]; got [8, 32]"),
        ({"strides": [32, 64, 128, 256]}, "`model.strides` of retinanet go up to 128"),
        ({"width": 40}, "`model.width` is a multiple of 32, whose groups are normalised; got 40"),
        ({"max_size": 900}, "`model.max_size` bounds what `min_size` resizes to; got 900 alone"),
        ({"strides": [8], "anchor_sizes": [[8], [16]]}, "`model.anchor_sizes` has a list for each of the 1 levels"),
        ({"strides": [8, 16], "anchor_sizes": [[8], [16, 32]]}, "`model.anchor_sizes` has as many sizes in each level"),
        ({"name": "ssd", "anchor_sizes": [[8]]}, "`model.anchor_sizes` of ssd are 7 shares of the image"),
        (
            {"weights": "coco", "backbone": "resnet50", "weights_backbone": "imagenet"},
            "`model.weights` brings a backbone with it; leave out `weights_backbone`",
        ),
        ({"weights": "coco"}, "`model.weights`: coco is there for retinanet, fcos, faster_rcnn and mask_rcnn with the"),
        ({"widht": 64}, "`widht` is no key of a recipe; nearest: width"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given, said):
    with pytest.raises(ValueError) as raised:
        recipe(**given)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backbone": "resnet19"}, "`model.backbone` is 'resnet19'; nearest: resnet18"),
        ({"backbone": "tu-resnet10"}, "`model.backbone` is 'tu-resnet10'; nearest: tu-resnet10t"),
        ({"backbone": "tu-vit_tiny_patch16_224"}, "`model.strides`: tu-vit_tiny_patch16_224 has [16, 16, 16"),
        ({"backbone": "tu-lcnet_050", "norm": "group"}, "`model.norm` is group for torchvision's resnets"),
    ],
)
def test_a_backbone_that_cannot_be_is_refused_before_anything_is_built(given, said):
    with pytest.raises(ValueError) as raised:
        check_detector(recipe(**given))
    assert said in str(raised.value)


@pytest.mark.parametrize("given", [{"weights_backbone": "imagenet"}, {"weights": "coco", "backbone": "resnet50"}])
def test_weights_that_cannot_be_downloaded_are_one_line(given, monkeypatch):
    def offline(*_, **__):
        raise OSError("<urlopen error no network>")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(ValueError, match="could not be loaded") as raised:
        build_detector(recipe(**given), 1, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    assert "go online once" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_detector_from_coco_keeps_all_but_what_scores_its_classes(monkeypatch):
    torch.manual_seed(3)
    theirs = retinanet_resnet50_fpn(num_classes=91, weights_backbone=None).state_dict()

    class Stored:
        def get_state_dict(self, **_):
            return dict(theirs)

    monkeypatch.setattr("piste.models.detection.build.get_weight", lambda name: {COCO_V1: Stored()}[name])
    given = {"weights": "coco", "backbone": "resnet50"}
    own = build_detector(recipe(**given), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).net.state_dict()
    anew = {name for name in own if not torch.equal(own[name], theirs.get(name, torch.zeros(0)))}
    assert anew == {f"head.classification_head.cls_logits.{part}" for part in ("weight", "bias")}
    with pytest.raises(ValueError, match=r"`model\.weights`: coco does not fit this network"):
        build_detector(recipe(width=64, **given), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


@pytest.mark.parametrize(
    ("given", "layer"),
    [
        ({"norm": "batch"}, torch.nn.BatchNorm2d),
        ({"norm": "group"}, torch.nn.GroupNorm),
        ({"norm": "frozen"}, None),
        ({"norm": "frozen", "backbone": "tu-lcnet_050"}, None),
    ],
)
def test_the_backbone_is_normalised_as_told(given, layer):
    body = build_backbone(recipe(strides=[8, 16], width=32, **given)).body
    trained = [module for module in body.modules() if isinstance(module, torch.nn.BatchNorm2d | torch.nn.GroupNorm)]
    assert bool(trained) == (layer is not None)
    assert all(isinstance(module, layer) for module in trained)


@pytest.mark.parametrize(
    ("name", "backbone"), [("retinanet", "resnet50"), ("retinanet", "tu-lcnet_050"), ("ssd", "resnet18")]
)
def test_there_is_a_map_for_each_stride(name, backbone):
    strides = [4, 8, 16, 32, 64, 128]
    net = build_backbone(
        recipe(name=name, strides=strides, backbone=backbone, **({} if name == "ssd" else {"width": 32}))
    )
    with torch.no_grad():
        maps = net.eval()(torch.zeros(1, 3, 128, 128)).values()
    assert [m.shape[2] for m in maps] == [128 // stride for stride in strides]
    channels = net.out_channels if isinstance(net.out_channels, list) else [net.out_channels] * len(strides)
    assert [m.shape[1] for m in maps] == channels
