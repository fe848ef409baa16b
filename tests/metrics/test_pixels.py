"""Pixel scores against counting by hand, plain Python and torchmetrics' own functions."""

import math

import pytest
import torch
from torchmetrics.functional.classification import (
    binary_average_precision,
    binary_precision_recall_curve,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
    multiclass_recall,
    multilabel_f1_score,
    multilabel_jaccard_index,
)

from piste.metrics import PixelScores, metric_names
from piste.metrics.labels import THRESHOLDS

CLASSES = ["background", "lake", "road"]


def scored(scores: PixelScores, *batches: tuple[torch.Tensor, torch.Tensor]) -> PixelScores:
    for probs, target in batches:
        scores.update(probs, target)
    return scores


def by_counting(said: list[int], is_so: list[int], index: int) -> dict[str, float]:
    """The scores of one class as their definitions read, pixel by pixel."""
    tp = fp = fn = tn = 0
    for p, t in zip(said, is_so, strict=True):
        tp += p == index and t == index
        fp += p == index and t != index
        fn += p != index and t == index
        tn += p != index and t != index
    return {
        "iou": tp / (tp + fp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
    }


@pytest.fixture
def example() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    probs = torch.randn(2, 3, 7, 5, generator=generator).mul(2).softmax(1)
    target = torch.randint(0, 3, (2, 7, 5), generator=generator)
    target[0, :2] = 255
    return probs, target


def test_eight_pixels_counted_by_hand():
    # truth     lake lake lake lake  -    -    -    -
    # P(lake)   .9   .8   .5   .1    .7   .2   .2   .1    so tp 3, fn 1, fp 1, tn 3
    lake = torch.tensor([0.9, 0.8, 0.5, 0.1, 0.7, 0.2, 0.2, 0.1])
    probs = torch.stack([1 - lake, lake])[None]
    scores = scored(PixelScores(CLASSES[:2], 0), (probs, torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0]])))
    found = scores.compute()
    expected = {"iou": 3 / 5, "f1": 6 / 8, "precision": 3 / 4, "recall": 3 / 4, "accuracy": 6 / 8}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["iou/background"] == pytest.approx(3 / 5)
    assert scores.confusion() == [[3, 1], [1, 3]]


def test_precision_and_recall_are_not_each_other():
    # three predicted, one of them right; all true ones found
    probs = torch.tensor([[[0.1, 0.2, 0.3, 0.9], [0.9, 0.8, 0.7, 0.1]]])
    found = scored(PixelScores(CLASSES[:2], 0), (probs, torch.tensor([[1, 0, 0, 0]]))).compute()
    assert (found["precision"], found["recall"]) == pytest.approx((1 / 3, 1.0))


def test_confusion_has_the_truth_in_its_rows():
    probs = torch.eye(3)[[1, 1, 2]].T[None]  # says lake, lake, road
    scores = scored(PixelScores(CLASSES, 0), (probs, torch.tensor([[0, 1, 2]])))
    assert scores.confusion() == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_every_score_equals_plain_counting(example):
    probs, target = example
    found = scored(PixelScores(CLASSES, 0), (probs, target)).compute()
    counted = target.flatten() != 255
    said = probs.argmax(1).flatten()[counted].tolist()
    is_so = target.flatten()[counted].tolist()
    for index, name in enumerate(CLASSES):
        for metric, value in by_counting(said, is_so, index).items():
            assert found[f"{metric}/{name}"] == pytest.approx(value), metric


def test_softmax_agrees_with_torchmetrics(example):
    probs, target = example
    found = scored(PixelScores(CLASSES, 0), (probs[:1], target[:1]), (probs[1:], target[1:])).compute()
    witnesses = {
        "iou": multiclass_jaccard_index,
        "f1": multiclass_f1_score,
        "precision": multiclass_precision,
        "recall": multiclass_recall,
    }
    for metric, witness in witnesses.items():
        each = witness(probs, target, num_classes=3, average="none", ignore_index=255)
        assert [found[f"{metric}/{name}"] for name in CLASSES] == pytest.approx(each.tolist()), metric
        assert found[metric] == pytest.approx(each[1:].mean().item()), metric


def test_sigmoid_counts_each_class_from_a_half_on_its_own(example):
    _, target = example
    probs = torch.rand(2, 2, 7, 5, generator=torch.Generator().manual_seed(5))
    found = scored(PixelScores(CLASSES, 0, "sigmoid"), (probs, target)).compute()
    truth = torch.stack([target == 1, target == 2], dim=1).long()
    truth[(target == 255)[:, None].expand_as(truth)] = 255
    for metric, witness in {"iou": multilabel_jaccard_index, "f1": multilabel_f1_score}.items():
        each = witness(probs, truth, num_labels=2, average="none", ignore_index=255)
        assert [found[f"{metric}/lake"], found[f"{metric}/road"]] == pytest.approx(each.tolist())


def test_sigmoid_over_one_foreground_class_equals_softmax_over_two(example):
    _, target = example
    target = torch.where(target == 2, 1, target)
    lake = torch.rand(2, 1, 7, 5, generator=torch.Generator().manual_seed(6))
    one = scored(PixelScores(CLASSES[:2], 0, "sigmoid"), (lake, target))
    two = scored(PixelScores(CLASSES[:2], 0), (torch.cat([1 - lake, lake], dim=1), target))
    assert one.compute() == pytest.approx(two.compute())
    assert one.best_threshold() == two.best_threshold()


@pytest.mark.parametrize("background", [0, 1, None])
def test_background_is_scored_but_in_no_mean(example, background):
    found = scored(PixelScores(CLASSES, background), example).compute()
    counted = [found[f"iou/{name}"] for index, name in enumerate(CLASSES) if index != background]
    assert found["iou"] == pytest.approx(sum(counted) / len(counted))


def test_curve_and_average_precision_agree_with_torchmetrics(example):
    probs, target = example
    scores = scored(PixelScores(CLASSES, 0), example)
    truth = torch.where(target == 255, 255, (target == 1).long())
    grid = torch.tensor(scores.thresholds)
    precision, recall, _ = binary_precision_recall_curve(probs[:, 1], truth, thresholds=grid, ignore_index=255)
    curve = scores.curves()["lake"]
    said_something = precision[:-1].nan_to_num(-1) > -1
    assert curve.precision == pytest.approx(precision[:-1][said_something].tolist())
    assert curve.recall == pytest.approx(recall[:-1][said_something].tolist())
    assert curve.threshold == pytest.approx(grid[said_something].tolist())
    exact = binary_average_precision(probs[:, 1], truth, ignore_index=255).item()
    assert scores.compute()["average_precision/lake"] == pytest.approx(exact, abs=0.01)


def test_average_precision_of_a_model_that_is_sure_of_itself():
    # logits from -14 to 14: most probabilities lie closer to 0 or 1 than a thousandth
    generator = torch.Generator().manual_seed(11)
    truth = torch.rand(20_000, generator=generator) < 0.1
    logits = torch.where(truth, 9.0, -9.0) + 5 * torch.randn(20_000, generator=generator)
    probs = logits.clamp(-14, 14).sigmoid()
    scores = scored(PixelScores(CLASSES[:2], 0, "sigmoid"), (probs.view(1, 1, -1), truth.long().view(1, -1)))
    exact = binary_average_precision(probs, truth.long()).item()
    assert scores.compute()["average_precision"] == pytest.approx(exact, abs=0.002)


def test_average_precision_by_hand():
    # falling probabilities: hit, false alarm, hit, so AP = 1/2 * 1/1 + 1/2 * 2/3
    probs = torch.tensor([[[0.9, 0.7, 0.5, 0.1]]])
    found = scored(PixelScores(CLASSES[:2], 0, "sigmoid"), (probs, torch.tensor([[1, 0, 1, 0]]))).compute()
    assert found["average_precision"] == pytest.approx(1 / 2 + 1 / 3)


@pytest.mark.parametrize("threshold", [0.0, 0.005, 0.3, 0.5, 0.9999])
def test_scores_at_a_threshold_equal_plain_counting(example, threshold):
    probs, target = example
    found = scored(PixelScores(CLASSES, 0), example).at(threshold)
    counted = target.flatten() != 255
    for index, name in ((1, "lake"), (2, "road")):
        said = [int(p >= threshold) for p in probs[:, index].flatten()[counted].tolist()]
        is_so = [int(t == index) for t in target.flatten()[counted].tolist()]
        tp = sum(p and t for p, t in zip(said, is_so, strict=True))
        assert found[f"recall/{name}"] == pytest.approx(tp / sum(is_so))
        assert found[f"precision/{name}"] == pytest.approx(tp / sum(said) if sum(said) else 0.0)


def test_default_of_two_classes_is_the_threshold_of_a_half(example):
    probs, target = example
    lake = probs[:, 1:2]
    scores = scored(PixelScores(CLASSES[:2], 0), (torch.cat([1 - lake, lake], 1), torch.where(target == 2, 0, target)))
    default, half = scores.compute(), scores.at(0.5)
    assert {name: default[name] for name in half} == pytest.approx(half)


def test_a_tie_goes_to_the_foreground_at_both_readings():
    scores = scored(PixelScores(CLASSES[:2], 0), (torch.full((1, 2, 3), 0.5), torch.tensor([[1, 1, 0]])))
    assert scores.compute()["recall"] == scores.at(0.5)["recall"] == 1.0


def test_best_threshold_has_the_highest_f1_of_all(example):
    scores = scored(PixelScores(CLASSES, 0), example)
    best = scores.best_threshold()
    for name in ("lake", "road"):
        highest = max(scores.at(t)[f"f1/{name}"] for t in scores.thresholds)
        assert scores.at(best)[f"f1/{name}"] == pytest.approx(highest)


def test_best_threshold_finds_the_gap_between_the_two_kinds():
    # all lakes at 0.2 and all land at 0.1: nothing is found at 0.5, everything between 0.1 and 0.2
    probs = torch.tensor([[[0.2, 0.2, 0.1, 0.1]]])
    scores = scored(PixelScores(CLASSES[:2], 0, "sigmoid"), (probs, torch.tensor([[1, 1, 0, 0]])))
    assert scores.compute()["recall"] == 0.0
    assert scores.best_threshold() == {"lake": 0.2}
    assert scores.at(scores.best_threshold())["f1"] == 1.0


def test_ignored_pixels_change_nothing(example):
    probs, target = example
    before = scored(PixelScores(CLASSES, 0), example)
    other = torch.where((target == 255)[:, None], 1 - probs, probs)
    after = scored(PixelScores(CLASSES, 0), (other, target))
    assert before.compute() == after.compute()
    assert before.curves() == after.curves()
    assert sum(map(sum, before.confusion())) == int((target != 255).sum())


def test_a_class_that_is_nowhere_has_no_score_and_is_in_no_mean():
    probs = torch.tensor([[[0.1, 0.9], [0.8, 0.05], [0.1, 0.05]]])
    found = scored(PixelScores(CLASSES, 0), (probs, torch.tensor([[1, 0]]))).compute()
    assert math.isnan(found["iou/road"])
    assert math.isnan(found["average_precision/road"])
    assert found["iou"] == found["average_precision"] == 1.0


def test_a_class_that_is_missed_or_made_up_scores_zero():
    probs = torch.tensor([[[0.9, 0.1], [0.05, 0.1], [0.05, 0.8]]])
    found = scored(PixelScores(CLASSES, 0), (probs, torch.tensor([[1, 0]]))).compute()
    for metric in ("iou", "f1", "precision", "recall"):
        assert found[f"{metric}/lake"] == found[f"{metric}/road"] == found[metric] == 0.0
    assert math.isnan(found["average_precision/road"])


def test_all_ignored_is_nan_throughout():
    scores = scored(PixelScores(CLASSES, 0), (torch.rand(1, 3, 2), torch.full((1, 2), 255)))
    assert all(math.isnan(value) for value in scores.compute().values())
    assert scores.curves()["lake"].recall == []


def test_batches_add_up_and_reset_forgets(example):
    probs, target = example
    whole = scored(PixelScores(CLASSES, 0), example)
    parts = scored(PixelScores(CLASSES, 0), (probs[:1], target[:1]), (probs[1:], target[1:]))
    assert whole.compute() == parts.compute()
    parts.reset()
    assert scored(parts, example).compute() == whole.compute()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_probabilities_of_any_float_type(example, dtype):
    probs, target = example
    rounded = probs.to(dtype)
    expected = scored(PixelScores(CLASSES, 0), (rounded.float(), target))
    assert scored(PixelScores(CLASSES, 0), (rounded, target)).compute() == expected.compute()


def test_names_are_the_declared_ones(example):
    names = set(metric_names(CLASSES, 0))
    assert {name for name in names if not name.startswith("object_")} == set(
        scored(PixelScores(CLASSES, 0), example).compute()
    )


def test_thresholds_are_fine_at_both_ends_and_hold_a_half():
    assert 0.5 in THRESHOLDS
    assert min(t for t in THRESHOLDS if t > 0) == pytest.approx(1e-6)
    assert max(THRESHOLDS) == pytest.approx(1 - 1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "relu"}, "`activation` must be softmax or sigmoid; got 'relu'"),
        ({"thresholds": [0.5, 1.0]}, r"`thresholds` must lie in \[0, 1\)"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PixelScores(CLASSES, 0, **arguments)


@pytest.mark.parametrize("shape", [(2, 2, 7, 5), (2, 3, 5, 7), (3, 3, 7, 5)])
def test_refused_shapes(shape):
    with pytest.raises(ValueError, match=r"`probs` must be \[N, 3, \*S\]"):
        PixelScores(CLASSES, 0).update(torch.rand(shape), torch.zeros(2, 7, 5, dtype=torch.long))
