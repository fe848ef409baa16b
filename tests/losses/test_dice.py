"""What Dice alone promises: the F1 score of each class, whatever its size."""

import pytest
import torch

from piste.losses import Dice


def hard(prediction: torch.Tensor, classes: int) -> torch.Tensor:
    """Logits that are sure of the given class ids."""
    return 100.0 * torch.nn.functional.one_hot(prediction, classes).movedim(-1, 1).float()


def test_of_a_hard_prediction_is_one_minus_the_mean_f1() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, target = (torch.randint(3, (2, 7, 5), generator=generator) for _ in range(2))
    scores = []
    for c in range(3):
        tp = ((predicted == c) & (target == c)).sum()
        scores.append(2 * tp / ((predicted == c).sum() + (target == c).sum()))
    torch.testing.assert_close(Dice()(hard(predicted, 3), target), 1 - torch.stack(scores).mean())


def test_is_not_the_mean_probability_of_the_truth() -> None:
    """Pooled over classes a softmax Dice is 1 - mean p of the truth, with no overlap in it.

    Three pixels of class 0 found, one of class 1 missed: pooled 1 - 3/4, by class (1 - 6/7 + 1) / 2.
    """
    target = torch.tensor([[0, 0, 0, 1]])
    value = Dice()(hard(torch.tensor([[0, 0, 0, 0]]), 2), target)
    torch.testing.assert_close(value, torch.tensor((1 / 7 + 1) / 2))


@pytest.mark.parametrize("area", [1, 10, 100])
def test_half_of_an_object_costs_the_same_at_any_size(area) -> None:
    target = torch.zeros(1, 1, 400)
    target[..., : 2 * area] = 1
    logits = torch.full_like(target, -100.0)
    logits[..., :area] = 100
    torch.testing.assert_close(Dice(activation="sigmoid")(logits, target), torch.tensor(1 / 3))


def test_smooth_forgives_small_objects() -> None:
    """A missed pixel costs 1 - s / (1 + s)."""
    logits, target = torch.full((1, 1, 9), -100.0), torch.zeros(1, 1, 9)
    target[..., 0] = 1
    values = [Dice(activation="sigmoid", smooth=s)(logits, target).item() for s in (0.0, 1.0, 9.0)]
    assert values == pytest.approx([1.0, 0.5, 0.1])


def test_whole_images_are_positions_of_one_area() -> None:
    """[N, C] is scored as one image with N positions would be: the classes' areas are counts of images."""
    generator = torch.Generator().manual_seed(1)
    logits, target = torch.randn(7, 3, generator=generator), torch.randint(0, 3, (7,), generator=generator)
    torch.testing.assert_close(Dice()(logits, target), Dice()(logits.T[None], target[None]))
    labels = torch.rand(7, 3, generator=generator) < 0.4
    dice = Dice(activation="sigmoid")
    torch.testing.assert_close(dice(logits, labels), dice(logits.T[None], labels.T[None]))
