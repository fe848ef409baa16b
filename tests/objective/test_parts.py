"""Predictions of several parts, and what a loss gets by name."""

import pytest
import torch
from torch.testing import assert_close

from piste.losses import CTC, BoxIoU, CrossEntropy, IoUBalancedClassification, SquaredError
from piste.objective import Ramp, Sum
from piste.objective.recipe import Part, build, resolve
from piste.objective.terms import Term

PARTS = {
    "classification": Part(("focal", "cross_entropy", "iou_balanced_classification"), "sigmoid", default="focal"),
    "box": Part(("box_iou", "box_l1"), default={"box_l1": {"beta": 0.5}}),
    "extra": Part(("squared_error",)),
}
BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0]])


def resolved(section):
    return resolve(section, task="detection", activation="softmax", class_names=["tree"], parts=PARTS)


def names(section):
    return {term["name"]: term["part"] for term in section["sum"]}


def test_each_part_is_priced_by_its_own_loss():
    objective = build(
        resolved({"classification": "cross_entropy", "box": "box_iou"}), activation="softmax", parts=PARTS
    )
    logits, shifted = torch.zeros(1, 1), BOXES + torch.tensor([1.0, 0.0, 1.0, 0.0])
    prediction, target = {"classification": logits, "box": shifted}, {"classification": torch.ones(1, 1), "box": BOXES}
    value = objective(prediction, target)
    terms = objective.terms
    assert_close(terms["cross_entropy"].raw, torch.tensor(2.0).log())  # a sigmoid of 0 is 1/2
    assert terms["box_iou"].raw > 0
    assert_close(value, terms["cross_entropy"].raw + terms["box_iou"].raw)


def test_a_mask_is_taken_by_part():
    summed = Sum(Term(SquaredError(), name="a", part="a"), Term(SquaredError(), name="b", part="b"))
    prediction = {"a": torch.tensor([1.0, 5.0]), "b": torch.tensor([2.0])}
    target = {"a": torch.zeros(2), "b": torch.zeros(1)}
    mask = {"a": torch.tensor([True, False]), "b": None}
    assert_close(summed(prediction, target, mask=mask), torch.tensor(1.0 + 4.0))


def test_parts_left_out_have_their_defaults_and_parts_without_have_none():
    assert names(resolved({"box": "box_iou"})) == {"focal": "classification", "box_iou": "box"}
    terms = resolved({"classification": "cross_entropy"})["sum"]
    assert [term["box_l1"]["beta"] for term in terms if term["part"] == "box"] == [0.5]


def test_a_part_may_be_a_sum_with_factors_and_watched_losses():
    section = resolved({"box": {"sum": ["box_iou", {"box_l1": {}, "scale": 0.1}, {"watch": "box_l1"}]}})
    assert [term.get("scale") for term in section["sum"]] == [1.0, 1.0, 0.1, None]
    objective = build(section, activation="softmax", parts=PARTS)
    assert [term.part for term in objective.parts] == ["classification", "box", "box", "box"]
    assert [term.watched for term in objective.parts] == [False, False, False, True]


def test_phases_take_parts_too_and_resolving_again_changes_nothing():
    phases = [{"loss": {"classification": "cross_entropy"}, "epochs": 2}, {"loss": {"box": "box_iou"}}]
    once = resolved({"sequence": phases})
    assert resolved(once) == once
    assert [names(phase["loss"]) for phase in once["sequence"]] == [
        {"cross_entropy": "classification", "box_l1": "box"},
        {"focal": "classification", "box_iou": "box"},
    ]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"classification": "dice"}, "loss.classification: `dice` does not suit the part classification of detection;"),
        ({"boxes": "box_iou"}, "the loss of detection has no key 'boxes'"),
        ("focal", "the loss of detection is a mapping with the keys classification, box, extra; got 'focal'."),
        ({"sum": ["focal"]}, "loss.sum[0]: a loss of detection prices one part; write {classification: …, box: …,"),
        ({"sum": [{"focal": {}, "part": "bow"}]}, "loss.sum[0]: `part` is 'bow'"),
        ({"box": {"box_iou": {}, "part": "extra"}}, "loss.box: `part` is 'extra'"),
    ],
)
def test_what_no_part_takes_is_refused(section, said):
    with pytest.raises(ValueError) as raised:
        resolved(section)
    assert said in str(raised.value)


def test_a_part_does_not_apply_where_the_prediction_is_one():
    with pytest.raises(ValueError, match="`part` does not apply: segmentation predicts one thing"):
        resolve({"dice": {}, "part": "box"}, task="segmentation", activation="softmax", class_names=["a", "b"])


def test_a_missing_part_is_named():
    with pytest.raises(ValueError, match="`prediction` must have the part 'box' for the term `box_iou`; got 'a'"):
        Term(BoxIoU(), part="box")(0, {"a": BOXES}, {"box": BOXES}, None, None)
    with pytest.raises(ValueError, match="got a single one"):
        Term(BoxIoU(), part="box")(0, BOXES, {"box": BOXES}, None, None)


def test_a_loss_gets_by_name_what_its_call_asks_for():
    logits, labels = torch.randn(2, 7, 5), torch.tensor([[1, 2, 3], [4, 1, 0]])
    lengths = {"logit_lengths": torch.tensor([7, 6]), "target_lengths": torch.tensor([3, 2])}
    expected = CTC()(logits, labels, *lengths.values())
    assert_close(Sum(CTC())(logits, {"labels": labels, **lengths, "unread": labels}), expected)
    boxes, classes, iou = torch.randn(3, 2), torch.tensor([1, 1, 0]), torch.tensor([0.9, 0.2, 0.0])
    summed = Sum(IoUBalancedClassification(), CrossEntropy())
    both = IoUBalancedClassification()(boxes, classes, iou=iou) + CrossEntropy()(boxes, classes)
    assert_close(summed(boxes, {"labels": classes, "iou": iou}), both)


def test_what_a_call_asks_for_and_does_not_get_is_named():
    with pytest.raises(ValueError, match="`target` must have 'logit_lengths' for the term `ctc`; it has 'labels'"):
        Sum(CTC())(torch.randn(2, 7, 5), {"labels": torch.ones(2, 3, dtype=torch.long)})


WHOLE = {
    "anchors": Part(("multi_box",), default="multi_box", covers=("classification", "box")),
    "classification": Part(("cross_entropy", "hard_mining"), default="cross_entropy", class_names=["not", "tree"]),
    "box": Part(("box_l1", "box_iou"), default="box_l1", reduction="sum", reads={"box_iou": "corners"}),
}


def whole(section):
    return resolve(section, task="detection", activation="softmax", class_names=["tree"], parts=WHOLE)


@pytest.mark.parametrize(
    ("section", "priced"),
    [
        ({}, {"multi_box": "anchors"}),
        ({"box": "box_iou"}, {"cross_entropy": "classification", "box_iou": "box"}),
        ({"anchors": "multi_box", "box": "box_iou"}, {"multi_box": "anchors", "box_iou": "box"}),
        ({"anchors": None, "box": "box_iou"}, {"cross_entropy": "classification", "box_iou": "box"}),
    ],
)
def test_a_part_that_covers_others_is_priced_instead_of_them_by_default(section, priced):
    assert names(whole(section)) == priced


def test_a_loss_is_handed_the_form_of_its_part_that_it_reads_and_sums_where_the_part_says_so():
    section = whole({"classification": "cross_entropy", "box": {"sum": ["box_l1", "box_iou"]}})
    objective = build(section, activation="softmax", parts=WHOLE)
    assert [term.part for term in objective.parts] == ["classification", "box", "box.corners"]
    assert [term.loss.reduction for term in objective.parts] == ["mean", "sum", "sum"]


def test_what_a_part_scores_may_differ_from_the_classes_of_the_task():
    weight = whole({"classification": {"cross_entropy": {"weight": {"not": 1.0, "tree": 3.0}}}})["sum"][0]
    assert weight["cross_entropy"]["weight"] == [1.0, 3.0]


def test_a_loss_that_takes_offsets_after_its_logits_gets_them_by_name():
    logits, offsets = torch.zeros(1, 8, 3), torch.ones(1, 8, 4)
    labels, truth = torch.tensor([[1] + [0] * 7]), torch.zeros(1, 8, 4)
    objective = build(whole({}), activation="softmax", parts=WHOLE)
    target = {"anchors": {"offsets": offsets, "labels": labels, "target_offsets": truth}}
    # the positive and three negatives cost ln 3 each, and four numbers are off by 1, 1/2 each
    assert_close(objective({"anchors": logits}, target), 4 * torch.tensor(3.0).log() + 2)


def test_a_weight_that_stands_by_name_is_taken_or_refused_like_any_other():
    def plain(prediction, target):
        return (prediction - target).abs().sum()

    target = {"box": {"labels": BOXES, "sample_weight": torch.tensor([0.5])}}
    shifted = BOXES + torch.tensor([1.0, 0.0, 1.0, 0.0])
    half = Term(BoxIoU(kind="iou", reduction="sum"), part="box")(0, {"box": shifted}, target, None, None)[0]
    assert_close(half, torch.tensor(0.5 * 2 / 3))
    with pytest.raises(ValueError, match="`sample_weight` was given, but the term `plain` takes none"):
        Term(plain, part="box")(0, {"box": shifted}, target, None, None)


def test_an_output_that_no_term_prices_need_be_no_tensor():
    ramp = Ramp(0.0, 1.0, epochs=2) * BoxIoU()
    objective = Sum(*(term.of_part("box") for term in ramp.parts))
    assert objective({"box": BOXES, "seen": [{"boxes": BOXES}]}, {"box": BOXES}) == 0
