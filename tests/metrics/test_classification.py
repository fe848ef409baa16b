"""Scores of labels against counting by hand, torchmetrics and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

from piste.metrics.calibration import calibration_of
from piste.metrics.classification import ClassificationScores, classification_metric_names
from piste.metrics.names import metric_of

CLASSES = ["ant", "bee", "cat", "dog"]


def scored(probs: torch.Tensor, target: torch.Tensor, names: list[str] = CLASSES) -> ClassificationScores:
    scores = ClassificationScores(names, multi_label=target.ndim == 2)
    for half in (slice(0, len(probs) // 3), slice(len(probs) // 3, None)):
        scores.update(probs[half], target[half])
    return scores


@pytest.fixture
def single() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    target = torch.randint(0, 4, (97,), generator=generator)
    logits = torch.randn(97, 4, generator=generator) + 1.5 * torch.nn.functional.one_hot(target, 4)
    return logits.mul(1.5).softmax(1), target


@pytest.fixture
def several() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    target = torch.rand(97, 4, generator=generator) < torch.tensor([0.1, 0.3, 0.5, 0.7])
    return (torch.randn(97, 4, generator=generator) + 2 * target.float() - 1).sigmoid(), target


def test_six_images_counted_by_hand() -> None:
    # truth  ant ant bee bee cat cat;   said  ant bee bee bee cat ant
    said = torch.tensor([0, 1, 1, 1, 2, 0])
    probs = torch.nn.functional.one_hot(said, 3) * 0.6 + 0.1
    found = scored(probs.float(), torch.tensor([0, 0, 1, 1, 2, 2]), CLASSES[:3]).compute()
    expected = {
        "accuracy": 4 / 6,
        "precision/ant": 1 / 2,
        "recall/ant": 1 / 2,
        "precision/bee": 2 / 3,
        "recall/bee": 1.0,
        "precision/cat": 1.0,
        "recall/cat": 1 / 2,
        "f1/cat": 2 / 3,
        "precision": (1 / 2 + 2 / 3 + 1) / 3,
        "hamming": 1 - 2 * 2 / 18,  # each wrong answer has two labels wrong, of 18
        "calibration_error": 0.7 - 4 / 6,  # all say 0.7
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_one_label_as_torchmetrics_and_scikit_learn_score_it(single: tuple[torch.Tensor, torch.Tensor]) -> None:
    probs, target = single
    found = scored(probs, target).compute()
    said = probs.argmax(1)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(target, said))
    assert found["top3"] == pytest.approx(sk.top_k_accuracy_score(target, probs, k=3))
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert found[name] == pytest.approx(score(target, said, average="macro"))
        assert [found[f"{name}/{each}"] for each in CLASSES] == pytest.approx(
            score(target, said, average=None).tolist()
        )
    areas = [sk.average_precision_score(target == i, probs[:, i]) for i in range(4)]
    assert [found[f"average_precision/{each}"] for each in CLASSES] == pytest.approx(areas)
    assert found["average_precision"] == pytest.approx(sum(areas) / 4)
    theirs = tm.multiclass_calibration_error(probs, target, num_classes=4, n_bins=15)
    assert found["calibration_error"] == pytest.approx(theirs.item(), abs=1e-6)


def test_several_labels_as_torchmetrics_and_scikit_learn_score_them(several: tuple[torch.Tensor, torch.Tensor]) -> None:
    probs, target = several
    found = scored(probs, target).compute()
    said = probs >= 0.5
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(target, said))
    assert found["hamming"] == pytest.approx(1 - sk.hamming_loss(target, said))
    assert found["f1"] == pytest.approx(sk.f1_score(target, said, average="macro"))
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(target, probs, average="macro"))
    theirs = tm.binary_calibration_error(probs.flatten(), target.flatten().long(), n_bins=15)
    assert found["calibration_error"] == pytest.approx(theirs.item(), abs=1e-6)
    assert "top3" not in found


def test_best_thresholds_are_those_of_the_highest_f1(several: tuple[torch.Tensor, torch.Tensor]) -> None:
    probs, target = several
    scores = scored(probs, target)
    thresholds = scores.best_thresholds()
    best = scores.at(thresholds)
    for i, name in enumerate(CLASSES):
        tried = [sk.f1_score(target[:, i], probs[:, i] >= t) for t in np.unique(probs[:, i])]
        assert best[f"f1/{name}"] == pytest.approx(max(tried))
    assert best["f1"] > scores.compute()["f1"]
    assert scores.at(dict.fromkeys(CLASSES, 0.5))["recall"] == pytest.approx(scores.compute()["recall"])


def test_curves_are_those_of_scikit_learn(several: tuple[torch.Tensor, torch.Tensor]) -> None:
    probs, target = several
    curve = scored(probs, target).answers().counts(1).curve()
    precision, recall, thresholds = sk.precision_recall_curve(target[:, 1], probs[:, 1])
    assert curve.precision == pytest.approx(precision[:-1].tolist())
    assert curve.recall == pytest.approx(recall[:-1].tolist())
    assert curve.threshold == pytest.approx(thresholds.tolist())


def test_a_class_that_is_nowhere_is_in_no_mean() -> None:
    probs = torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    found = scored(probs, torch.tensor([0, 0]), CLASSES[:3]).compute()
    assert math.isnan(found["f1/cat"])
    assert math.isnan(found["average_precision/bee"])
    assert found["f1/bee"] == 0.0  # predicted and not there
    assert found["f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["average_precision"] == found["average_precision/ant"] == 1.0


def test_equal_probabilities_do_not_make_a_top_3_of_everything() -> None:
    probs = torch.full((4, 4), 0.25)
    assert scored(probs, torch.arange(4)).compute()["top3"] == 0.75
    assert scored(probs, torch.arange(4)).compute()["accuracy"] == 0.25


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_names_are_those_that_are_computed(multi_label: bool) -> None:
    names = [f"c{i}" for i in range(7)]
    target = torch.zeros(3, 7, dtype=torch.bool) if multi_label else torch.arange(3)
    found = scored(torch.full((3, 7), 0.1), target, names).compute()
    assert sorted(found) == sorted(classification_metric_names(names, multi_label=multi_label))
    assert ("top5" in found) != multi_label
    assert all(metric_of(name).meaning for name in found)


def test_calibration_has_its_mean_confidence_and_its_share() -> None:
    found = calibration_of(np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True]))
    assert found.held == [1, 3]
    assert found.confidence == pytest.approx([0.05, 2.9 / 3])
    assert found.right == pytest.approx([0.0, 2 / 3])
    assert found.error() == pytest.approx((0.05 + 3 * 0.3) / 4)
    assert math.isnan(calibration_of(np.zeros(0), np.zeros(0, bool)).error())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`probs` must be \[N, 4\] and `target` \[N\]; got \[2, 3\] and \[2\]"):
        ClassificationScores(CLASSES, multi_label=False).update(torch.zeros(2, 3), torch.zeros(2))
    with pytest.raises(ValueError, match=r"`target` \[N, C\]; got \[2, 4\] and \[2\]"):
        ClassificationScores(CLASSES, multi_label=True).update(torch.zeros(2, 4), torch.zeros(2))
