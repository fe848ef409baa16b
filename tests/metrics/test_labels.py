"""Labels that lie over each other: scores against torchmetrics' multilabel ones, by hand, and against those of one."""

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multilabel_average_precision,
    multilabel_f1_score,
    multilabel_jaccard_index,
    multilabel_precision,
    multilabel_recall,
)

from piste.metrics.images import ImageScore, label_image_scores
from piste.metrics.labels import LabelScores
from piste.metrics.names import metric_names
from piste.metrics.objects import ObjectCounts, ObjectScores
from piste.metrics.pixels import PixelScores

NAMES = ["roof", "shadow", "road"]


def drawn(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities at thresholds that are kept, a truth, and where it is known, which differs from label to label."""
    random = torch.Generator().manual_seed(seed)
    probs = (torch.randint(0, 200, (5, 3, 7, 11), generator=random) / 200).float()
    truth = torch.rand(5, 3, 7, 11, generator=random) < probs * 0.8
    return probs, truth, torch.rand(5, 3, 7, 11, generator=random) < 0.9


def scored(probs: Tensor, truth: Tensor, counted: Tensor) -> LabelScores:
    scores = LabelScores(NAMES)
    for part in ([0, 1], [2, 3, 4]):
        scores.update(probs[part], truth[part], counted[part])
    return scores


@pytest.mark.parametrize("threshold", [0.5, 0.25])
def test_scores_are_those_of_torchmetrics(threshold: float) -> None:
    probs, truth, counted = drawn()
    target = truth.long().masked_fill(~counted, -1)
    scores = scored(probs, truth, counted)
    found = scores.compute() if threshold == 0.5 else scores.at(threshold)
    settings = {"num_labels": 3, "threshold": threshold - 1e-4, "average": "none", "ignore_index": -1}  # from it on
    for metric, function in (
        ("iou", multilabel_jaccard_index),
        ("f1", multilabel_f1_score),
        ("precision", multilabel_precision),
        ("recall", multilabel_recall),
    ):
        values = function(probs, target, **settings).tolist()
        assert [found[f"{metric}/{name}"] for name in NAMES] == pytest.approx(values)
        assert found[metric] == pytest.approx(sum(values) / 3)
    if threshold == 0.5:
        values = multilabel_average_precision(probs, target, 3, average="none", ignore_index=-1).tolist()
        assert [found[f"average_precision/{name}"] for name in NAMES] == pytest.approx(values, abs=1e-5)


def test_the_best_threshold_has_the_highest_f1() -> None:
    probs, truth, counted = drawn()
    best = scored(probs, truth, counted).best_threshold()
    for k, name in enumerate(NAMES):
        p, t = probs[:, k][counted[:, k]], truth[:, k][counted[:, k]]
        f1 = {x: float(2 * (t & (p >= x)).sum() / (t.sum() + (p >= x).sum())) for x in (i / 200 for i in range(200))}
        assert f1[best[name]] == pytest.approx(max(f1.values()))


def test_names_are_those_of_classes_without_a_background() -> None:
    objects = ObjectScores(NAMES)
    objects.update_labels(*(torch.zeros(1, 3, 4, 4, dtype=torch.bool),) * 3)
    assert set(scored(*drawn()).compute()) | set(objects.compute()) == set(metric_names(NAMES, None))


def test_a_label_that_is_nowhere_has_no_score_and_one_that_is_unknown_counts_nothing() -> None:
    probs, truth = torch.full((1, 3, 2, 2), 0.1), torch.zeros(1, 3, 2, 2, dtype=torch.bool)
    counted = torch.ones_like(truth)
    probs[0, 1], counted[0, 1], probs[0, 2, 0, 0] = 0.9, False, 0.9
    scores = scored_once(probs, truth, counted)
    assert math.isnan(scores["iou/roof"])
    assert math.isnan(scores["iou/shadow"])
    assert scores["iou/road"] == scores["iou"] == 0.0


def scored_once(*batch: Tensor) -> dict[str, float]:
    scores = LabelScores(NAMES)
    scores.update(*batch)
    return scores.compute()


def test_exclusive_sigmoid_classes_score_as_labels_do() -> None:
    probs, _, _ = drawn()
    target = torch.randint(0, 4, (5, 7, 11), generator=torch.Generator().manual_seed(1))
    target[:, 0] = 255
    pixels = PixelScores(["ground", *NAMES], background=0, activation="sigmoid")
    pixels.update(probs, target)
    known = (target != 255).unsqueeze(1).expand(-1, 3, -1, -1)
    truth = torch.stack([target == k for k in (1, 2, 3)], 1)
    mine, theirs = scored_once(probs, truth, known), pixels.compute()
    assert {name: theirs[name] for name in mine} == pytest.approx(mine)


def test_objects_are_counted_label_by_label_though_they_lie_over_each_other() -> None:
    truth = torch.zeros(2, 3, 6, 9, dtype=torch.bool)
    truth[0, 0, :2, :4] = truth[0, 0, 4:, :3] = truth[0, 1, :, :5] = True
    predicted = truth.clone()
    predicted[0, 0, 4:, :3] = False
    predicted[1, 2, 1, 1] = True
    counted = torch.ones_like(truth)
    counted[1, 2, 1, 1] = False
    scores = ObjectScores(NAMES)
    scores.update_labels(predicted, truth, counted)
    assert list(scores.counts().values()) == [ObjectCounts(2, 1, 1), ObjectCounts(1, 1, 1), ObjectCounts(0, 0, 0)]
    found = scores.compute()
    assert found["object_recall/roof"] == 0.5
    assert found["object_count_error/roof"] == 0.5
    assert found["object_recall"] == 0.75
    assert math.isnan(found["object_f1/road"])


def test_images_are_ranked_by_the_mean_iou_of_their_labels() -> None:
    truth = torch.zeros(2, 2, 1, 4, dtype=torch.bool)
    truth[0, 0, 0, :2] = truth[0, 1, 0, 1:] = True  # they share a pixel
    predicted = truth.clone()
    predicted[0, 0, 0, 2] = True  # 2 of 3
    predicted[0, 1, 0, 3] = False  # 2 of 3, and the miss is not known
    counted = torch.ones_like(truth)
    counted[0, 1, 0, 3] = False
    first, second = label_image_scores(predicted, truth, counted)
    assert first == ImageScore(pytest.approx((2 / 3 + 1) / 2), 1)
    assert math.isnan(second.iou)


def test_shapes_that_differ_are_refused() -> None:
    probs, truth, counted = drawn()
    for batch in ((probs[:, :2], truth, counted), (probs, truth[:, :2], counted), (probs, truth, counted[:2])):
        with pytest.raises(ValueError, match=r"must be \[N, 3, \*S\]"):
            LabelScores(NAMES).update(*batch)
        with pytest.raises(ValueError, match=r"must be \[N, 3, H, W\]"):
            ObjectScores(NAMES).update_labels(batch[0] > 0.5, *batch[1:])
