"""What a detector hands out: each anchor with its object, in every form that losses ask for."""

import pytest
import torch
from torch.testing import assert_close
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from piste.models.detection.fcos import smallest_around
from piste.models.detection.matched import (
    coded,
    gathered,
    iou_of,
    match,
    price_anchors,
    price_boxes,
    price_scores,
    share_of,
)

ANCHORS = torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 40.0, 10.0], [0.0, 20.0, 10.0, 60.0]]).expand(2, 3, 4)
CLASSES = torch.tensor([[1, -1, 0], [-1, -1, -1]])
TRUTH = torch.tensor([[2.0, 1.0, 9.0, 13.0], [7.0, 7.0, 7.0, 7.0], [1.0, 18.0, 14.0, 50.0]]).expand(2, 3, 4)


@pytest.fixture
def matched():
    dice = torch.Generator().manual_seed(1)
    offsets, logits = torch.randn(2, 3, 4, generator=dice), torch.randn(2, 3, 2, generator=dice)
    counts = torch.tensor([[True, False, True], [True, True, True]])
    share = share_of("image", CLASSES >= 0)
    coder = coded(BoxCoder((1.0, 1.0, 1.0, 1.0)))
    return match(logits, 0.3 * offsets, ANCHORS, CLASSES, TRUTH, counts=counts, share=share, coder=coder)


def test_the_iou_is_that_of_the_regressed_box_and_its_object(matched):
    expected = box_iou(matched.corners[0], TRUTH[0]).diagonal() * (CLASSES[0] >= 0)
    assert_close(iou_of(matched), torch.stack((expected, torch.zeros(3))))
    assert iou_of(matched)[0, 0] > 0


def test_offsets_and_corners_tell_the_same_boxes(matched):
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    assert_close(coder.decode_single(matched.true_offsets[0], ANCHORS[0]), matched.true_corners[0])
    assert_close(matched.true_corners[0, [0, 2]], TRUTH[0, [0, 2]])
    assert_close(matched.true_corners[:, 1], ANCHORS[:, 1])  # no object, no error


def test_labels_say_the_class_and_quality_says_how_well_it_is_placed(matched):
    priced = price_scores("classification", matched, "sigmoid")
    labels, quality = (priced.target[f"classification{form}"]["labels"] for form in ("", ".quality"))
    assert labels[0].tolist() == [[False, False, True], [True, False, False]]
    assert not labels[1].any()
    iou = iou_of(matched)[0]
    assert_close(quality[0], torch.stack((iou * torch.tensor([0, 0, 1]), iou * torch.tensor([1, 0, 0]))))
    assert priced.mask["classification"].tolist() == [[[True, False, True]], [[True, True, True]]]


def test_with_softmax_the_background_is_class_0(matched):
    priced = price_scores("classification", matched, "softmax")
    assert priced.target["classification"]["labels"].tolist() == [[2, 0, 1], [0, 0, 0]]
    assert list(priced.prediction) == ["classification"]


def test_only_boxes_of_objects_count(matched):
    for form, target in price_boxes("box", matched).target.items():
        weight = target["sample_weight"].reshape(2, 3)
        assert_close(weight, torch.tensor([[0.25, 0.0, 0.25], [0.0, 0.0, 0.0]]), msg=form)  # 2 objects, 2 images


def test_anchors_are_handed_over_whole(matched):
    target = price_anchors("anchors", matched).target["anchors"]
    assert target["labels"].tolist() == [[2, 0, 1], [0, 0, 0]]
    assert_close(target["target_offsets"], matched.true_offsets)
    assert target["offsets"].shape == (2, 3, 4)


@pytest.mark.parametrize(("normalizer", "expected"), [("image", [1 / 6, 1 / 2 / 1]), ("batch", [1 / 3, 1 / 3])])
def test_shares_divide_by_the_positives_of_each_image_or_of_the_batch(normalizer, expected):
    positive = torch.tensor([[True, True, True, False], [False, False, False, False]])
    assert_close(share_of(normalizer, positive).flatten(), torch.tensor(expected))
    assert share_of("batch", positive & False).flatten().tolist() == [1.0, 1.0]


def test_what_was_matched_to_nothing_has_no_label():
    targets = [{"labels": torch.tensor([2, 1]), "boxes": torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]])}]
    targets.append({"labels": torch.zeros(0, dtype=torch.long), "boxes": torch.zeros(0, 4)})
    labels, boxes = gathered(torch.tensor([[1, -1, -2, 0], [-1, -1, -1, -1]]), targets)
    assert labels.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0]]
    assert boxes[0, [0, 3]].tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]


def test_a_place_of_fcos_stands_for_the_smallest_object_around_it_of_its_levels_size():
    places = torch.tensor([[8.0, 8, 16, 16], [56.0, 56, 64, 64], [8.0, 8, 24, 24]])  # two of stride 8, one of 16
    boxes = torch.tensor([[0.0, 0, 24, 24], [6.0, 6, 18, 18], [0.0, 0, 200, 200]])
    found = smallest_around(places, boxes, [2, 1], radius=1.5)
    # the first place is within two small ones; the second in none whose centre is near; the third is too coarse for
    # the small ones and too far from the centre of the large one
    assert found.tolist() == [1, -1, -1]
    assert smallest_around(places, boxes[2:], [2, 1], radius=50.0).tolist() == [-1, -1, 0]
    assert smallest_around(places, boxes[:0], [2, 1], radius=1.5).tolist() == [-1, -1, -1]
