"""Scores of boxes are what arithmetic says, what a slow reading of COCO's rules says, and the same in any batches."""

import math

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from piste.metrics.box_rows import BoxRows
from piste.metrics.detection import DetectionScores, detection_metric_names
from piste.metrics.names import METRICS
from tests.metrics.test_box_matches import said, true

NOWHERE = (200.0, 200.0, 240.0, 240.0)


def scored(predictions, targets, names=("tree",), **settings):
    scores = DetectionScores(names, **settings)
    scores.update(predictions, targets)
    return scores


def test_average_precision_of_a_hit_a_false_alarm_and_a_hit():
    truth = true((0, 0, 40, 40), (50, 50, 90, 90))
    prediction = said((0.9, 0, 0, 40, 40), (0.8, *NOWHERE), (0.7, 50, 50, 90, 90))
    scores = scored([prediction], [truth]).compute()
    # recall 0, 0.01, …, 0.5 at precision 1; 0.51 … 1 at 2 of 3; the same at all overlaps, for the boxes are exact
    wanted = (51 * 1 + 50 * 2 / 3) / 101
    for name in ("ap", "ap50", "ap75", "ap_medium", "ap/tree", "ap50/tree"):
        assert scores[name] == pytest.approx(wanted)
    assert (scores["ar1"], scores["ar10"], scores["ar100"]) == (0.5, 1, 1)
    assert math.isnan(scores["ap_small"])
    assert math.isnan(scores["ap_large"])
    # at the threshold 0.5: two hits, one false alarm
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == 1
    assert scores["f1"] == pytest.approx(4 / 5)
    assert scores["count_error"] == 1


def test_an_overlap_of_six_tenths_hits_at_the_lower_thresholds_alone():
    scores = scored([said((0.9, 0, 0, 40, 24.4))], [true((0, 0, 40, 40))]).compute()  # IoU 0.61: at 0.5, 0.55 and 0.6
    assert scores["ap50"] == 1
    assert scores["ap75"] == 0
    assert scores["ap"] == pytest.approx(3 / 10)
    assert scores["ar1"] == pytest.approx(3 / 10)


def test_sizes_go_by_the_area_that_the_data_say():
    truth = true((0, 0, 40, 40)) | {"area": torch.tensor([1000.0])}  # 1600 in its box, but below 32 x 32 itself
    scores = scored([said((0.9, 0, 0, 40, 40))], [truth]).compute()
    assert scores["ap_small"] == 1
    assert math.isnan(scores["ap_medium"])


def test_thresholds_are_those_asked_for_and_the_best_has_the_highest_f1():
    truth = true((0, 0, 40, 40), (50, 50, 90, 90))
    prediction = said((0.9, *NOWHERE), (0.45, 0, 0, 40, 40), (0.3, 50, 50, 90, 90), (0.1, *NOWHERE))
    scores = scored([prediction], [truth])
    assert scores.compute()["f1"] == 0
    assert scores.best_threshold() == {"tree": pytest.approx(0.3)}  # 2 hits of 3 predictions: F1 = 4 / 5
    best = scores.at(scores.best_threshold())
    assert best["f1"] == pytest.approx(0.8)
    assert (best["precision"], best["recall"], best["count_error"]) == (pytest.approx(2 / 3), 1, 1)
    assert scores.at(0.2)["f1/tree"] == pytest.approx(0.8)
    assert scores.at({"tree": 0.05})["precision"] == 0.5


def test_a_curve_has_a_point_for_each_score_and_equal_scores_share_one():
    truth = true((0, 0, 40, 40), (50, 50, 90, 90), (0, 50, 40, 90))
    prediction = said((0.75, 0, 0, 40, 40), (0.5, *NOWHERE), (0.5, 50, 50, 90, 90), (0.25, *NOWHERE))
    curve = scored([prediction], [truth]).curves()["tree"]
    assert curve.threshold == [0.25, 0.5, 0.75]
    assert curve.precision == pytest.approx([2 / 4, 2 / 3, 1])
    assert curve.recall == pytest.approx([2 / 3, 2 / 3, 1 / 3])


def test_the_count_error_is_by_image_and_without_sign():
    """One too many here and one too few there is an error of one, not of none."""
    more = said((0.9, 0, 0, 40, 40), (0.9, *NOWHERE)), true((0, 0, 40, 40))
    fewer = said(), true((0, 0, 40, 40))
    scores = scored(*zip(more, fewer, (said(), true()), strict=True))
    assert scores.compute()["count_error"] == pytest.approx(2 / 3)


def test_crowds_cost_nothing():
    truth = true((0, 0, 100, 100), (0, 0, 40, 40), crowd=[0])
    scores = scored([said((0.9, 0, 0, 40, 40), (0.95, 50, 50, 90, 90))], [truth]).compute()
    for name in ("ap", "ap50", "precision", "recall", "f1", "ar100"):
        assert scores[name] == 1
    assert scores["count_error"] == 0


def test_a_class_that_is_nowhere_is_in_no_mean():
    scores = scored([said((0.9, 0, 0, 40, 40, 2))], [true((0, 0, 40, 40, 2))], ["shrub", "tree", "rock"]).compute()
    assert math.isnan(scores["ap/shrub"])
    assert math.isnan(scores["f1/rock"])
    assert (scores["ap"], scores["f1"], scores["ap/tree"]) == (1, 1, 1)
    wrong = scored([said((0.9, 0, 0, 40, 40, 1))], [true((0, 0, 40, 40, 2))], ["shrub", "tree"]).compute()
    assert (wrong["ap"], wrong["precision/shrub"], wrong["recall/tree"]) == (0, 0, 0)


def test_nothing_seen_and_nothing_there_is_undefined():
    names = detection_metric_names(["tree"], masks=True)
    for scores in (DetectionScores(["tree"], masks=True), scored([], [], masks=True)):
        assert list(scores.compute()) == names
        assert all(math.isnan(value) for value in scores.compute().values())
        assert scores.best_threshold() == {"tree": 0.5}
        assert scores.curves()["tree"].recall == []
    empty = scored([said()], [true()]).compute()
    assert all(math.isnan(value) for value in empty.values())


@pytest.mark.parametrize("masks", [False, True])
def test_every_name_is_known_beforehand_and_has_its_facts(masks):
    names = detection_metric_names(["tree", "shrub"], masks=masks)
    plane = {"masks": torch.ones(1, 50, 50)} if masks else {}
    scores = scored([said((0.9, 0, 0, 40, 40)) | plane], [true((0, 0, 40, 40)) | plane], ["tree", "shrub"], masks=masks)
    assert list(scores.compute()) == names
    assert {name.partition("/")[0] for name in names} <= METRICS.keys()


def drawn(seed, images=5, classes=3):
    """Random truths and predictions near them, some crowds, and areas of all three sizes."""
    draw = np.random.default_rng(seed)
    predictions, targets = [], []
    for _ in range(images):
        truths, guesses = [], []
        for _ in range(draw.integers(0, 6)):
            side = draw.choice([12, 25, 60, 110])
            x, y = draw.integers(0, 150, 2)
            truths.append((x, y, x + side, y + side + draw.integers(0, 9), int(draw.integers(1, classes + 1))))
            for _ in range(draw.integers(0, 3)):
                shift = draw.normal(0, side / 9, 4)
                edges = np.array(truths[-1][:4]) + shift
                guesses.append((float(draw.random()), *edges.tolist(), truths[-1][4]))
        for _ in range(draw.integers(0, 3)):
            x, y = draw.integers(0, 150, 2)
            guesses.append((float(draw.random()), x, y, x + 30, y + 30, int(draw.integers(1, classes + 1))))
        targets.append(true(*truths, crowd=[i for i in range(len(truths)) if draw.random() < 0.15]))
        predictions.append(said(*guesses))
    return predictions, targets


def as_coco_says(predictions, targets, classes, overlap, low=0.0, high=1e10, most=100):
    """Average precision and recall by class at one overlap, in plain loops: Lin et al. 2014 and COCO's own rules."""
    precisions, recalls = [], []
    for label in range(1, classes + 1):
        rows, positives = [], 0
        for prediction, target in zip(predictions, targets, strict=True):
            mine, own = target["labels"] == label, prediction["labels"] == label
            truths, crowd = target["boxes"][mine].double(), target["crowd"][mine].tolist()
            areas = ((truths[:, 2] - truths[:, 0]) * (truths[:, 3] - truths[:, 1])).tolist()
            ignored = [c or not low <= a <= high for c, a in zip(crowd, areas, strict=True)]
            positives += ignored.count(False)
            boxes, score = prediction["boxes"][own].double(), prediction["scores"][own]
            order = score.argsort(descending=True, stable=True)[:most].tolist()
            taken = set()
            for i in order:
                own_area = float((boxes[i, 2] - boxes[i, 0]) * (boxes[i, 3] - boxes[i, 1]))
                overlaps = []
                for j in range(len(truths)):
                    iou = float(box_iou(boxes[i : i + 1], truths[j : j + 1]))
                    if crowd[j]:
                        joint = float(truths[j, 2] - truths[j, 0]) * float(truths[j, 3] - truths[j, 1])
                        iou = iou * (own_area + joint) / (1 + iou) / own_area  # shared area by the box's own
                    overlaps.append(iou)
                best = None
                for kind in (False, True):
                    able = [
                        j
                        for j in range(len(truths))
                        if ignored[j] is kind and overlaps[j] >= overlap and (j not in taken or crowd[j])
                    ]
                    if able:
                        best = max(able, key=lambda j: (overlaps[j], j))
                        break
                if best is not None:
                    taken.add(best)
                    if not ignored[best]:
                        rows.append((float(score[i]), True))
                elif low <= own_area <= high:
                    rows.append((float(score[i]), False))
        if not positives:
            continue
        hits, points = 0, []
        for place, (_, hit) in enumerate(sorted(rows, key=lambda row: -row[0]), 1):
            hits += hit
            points.append((hits / positives, hits / place))
        steps = [max((p for r, p in points if r >= k / 100 - 1e-12), default=0.0) for k in range(101)]
        precisions.append(sum(steps) / 101)
        recalls.append(points[-1][0] if points else 0.0)
    return precisions, recalls


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize("seed", range(6))
def test_coco_scores_are_those_of_a_slow_reading_of_its_rules(seed):
    predictions, targets = drawn(seed)
    scores = scored(predictions, targets, ["a", "b", "c"]).compute()
    overlaps = [0.5 + 0.05 * k for k in range(10)]
    by_overlap = [as_coco_says(predictions, targets, 3, overlap) for overlap in overlaps]
    assert scores["ap"] == pytest.approx(mean([mean(precision) for precision, _ in by_overlap]))
    assert scores["ap50"] == pytest.approx(mean(by_overlap[0][0]))
    assert scores["ap75"] == pytest.approx(mean(by_overlap[5][0]))
    assert scores["ar100"] == pytest.approx(mean([mean(recall) for _, recall in by_overlap]))
    first = [mean(as_coco_says(predictions, targets, 3, overlap, most=1)[1]) for overlap in overlaps]
    assert scores["ar1"] == pytest.approx(mean(first))
    bounds = {"ap_small": (0, 32**2), "ap_medium": (32**2, 96**2), "ap_large": (96**2, 1e10)}
    for name, (low, high) in bounds.items():
        by_class = [as_coco_says(predictions, targets, 3, overlap, low, high)[0] for overlap in overlaps]
        if by_class[0]:
            assert scores[name] == pytest.approx(mean([mean(precision) for precision in by_class]))
        else:
            assert math.isnan(scores[name])


def test_batches_do_not_matter():
    predictions, targets = drawn(11, images=7)
    whole, parts = scored(predictions, targets, "abc"), DetectionScores("abc")
    for start in range(0, 7, 3):
        parts.update(predictions[start : start + 3], targets[start : start + 3])
    assert parts.compute() == pytest.approx(whole.compute(), nan_ok=True)
    parts.reset()
    assert all(math.isnan(value) for value in parts.compute().values())


@pytest.mark.parametrize("masks", [False, True])
def test_processes_add_up(masks):
    """Two processes, one of which may have seen nothing, score as one that has seen it all."""
    predictions, targets = drawn(12, images=4)
    if masks:
        for one in (*predictions, *targets):
            one["masks"] = torch.zeros(len(one["labels"]), 64, 64)
            for mask, (left, top, right, bottom) in zip(one["masks"], (one["boxes"] / 4).int().tolist(), strict=True):
                mask[max(top, 0) : bottom, max(left, 0) : right] = 1
    whole = scored(predictions, targets, "abc", masks=masks).compute()
    for cut in (4, 2):
        mine, other = DetectionScores("abc", masks=masks), BoxRows(masks)
        mine.update(predictions[:cut], targets[:cut])
        other.update(predictions[cut:], targets[cut:])
        other.gathered()
        theirs = {name: torch.cat(getattr(other, name)) for name in other._reductions}
        rows = mine._rows
        rows.distributed_available_fn = lambda: True
        order = list(rows._reductions)
        queue = []

        def gathered(tensor, group=None, queue=queue, order=order, theirs=theirs):
            queue.append(tensor)
            return [tensor, theirs[order[(len(queue) - 1) % len(order)]]]

        rows.dist_sync_fn = gathered
        assert mine.compute() == pytest.approx(whole, nan_ok=True)


def test_masks_are_judged_apart_from_boxes():
    """The same box twice: once the mask fills it, once it fills the upper half."""
    plane = torch.zeros(2, 60, 60)
    plane[0, :40, :40] = 1
    plane[1, :20, :40] = 1
    truth = true((0, 0, 40, 40)) | {"masks": plane[:1].byte()}
    right = scored([said((0.9, 0, 0, 40, 40)) | {"masks": plane[:1, None]}], [truth], masks=True).compute()
    assert (right["mask_ap"], right["mask_ap75"], right["mask_ap/tree"]) == (1, 1, 1)
    half = scored([said((0.9, 0, 0, 40, 40)) | {"masks": 0.7 * plane[1:, None]}], [truth], masks=True).compute()
    assert half["ap"] == 1
    assert half["mask_ap50"] == 1  # an overlap of one half
    assert half["mask_ap"] == pytest.approx(0.1)
    faint = scored([said((0.9, 0, 0, 40, 40)) | {"masks": 0.4 * plane[:1, None]}], [truth], masks=True).compute()
    assert faint["mask_ap50"] == 0


def test_nothing_is_printed_and_nothing_changed(capsys):
    predictions, targets = drawn(3)
    before = [entry["boxes"].clone() for entry in predictions]
    scores = scored(predictions, targets, "abc")
    assert scores.compute() == pytest.approx(scores.compute(), nan_ok=True)
    assert all(torch.equal(a, entry["boxes"]) for a, entry in zip(before, predictions, strict=True))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        (
            {"boxes": torch.zeros(2, 4)},
            true(),
            "`predictions` must have boxes, labels, scores of each image; labels is",
        ),
        (said((0.9, 0, 0, 1, 1)), {"boxes": torch.zeros(1, 4)}, "`targets` must have boxes, labels"),
        (said((0.9, 0, 0, 1, 1)) | {"scores": torch.zeros(2)}, true(), r"n of the rest; got boxes \(1, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(prediction, target, message):
    with pytest.raises(ValueError, match=message):
        scored([prediction], [target])
    with pytest.raises(ValueError, match="of the same images; got 1 and 2"):
        scored([said()], [true(), true()])
    with pytest.raises(ValueError, match="masks is missing"):
        scored([said()], [true()], masks=True)
