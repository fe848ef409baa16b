"""What MultiBox alone promises: the hardest negatives of each image, and offsets of positives alone."""

from math import log

import pytest
import torch

from piste.losses import MultiBox

OFFSETS = torch.zeros(1, 6, 4, dtype=torch.float64)
SURPRISES = [0.1, 2.0, 0.5, 1.0, 0.3, 3.0]
"""What each prior of the first image would cost as background."""


def logits() -> torch.Tensor:
    """Two classes, of which the background has log-probability minus the surprise."""
    cost = torch.tensor([SURPRISES], dtype=torch.float64)
    return torch.stack((-cost, torch.log(-torch.expm1(-cost))), 2)


@pytest.mark.parametrize(("ratio", "hardest"), [(0.0, 0.0), (1.0, 3.0), (2.0, 3.0 + 1.0), (2.5, 4.5), (9.0, 4.9)])
def test_the_hardest_negatives_count_as_many_a_positive_as_the_ratio_says(ratio, hardest) -> None:
    """The prior of surprise 2 is the object: as such it costs -ln(1 - exp(-2)), and is no negative."""
    labels = torch.tensor([[0, 1, 0, 0, 0, 0]])
    positive = -log(1 - torch.tensor(-2.0, dtype=torch.float64).exp().item())
    got = MultiBox(neg_pos_ratio=ratio)(logits(), OFFSETS, labels, OFFSETS)
    assert got.item() == pytest.approx(positive + hardest)


def test_each_image_has_its_own_negatives() -> None:
    """Easy negatives beside an object count; hard ones of an image without objects do not."""
    easy, hard = logits() * torch.tensor([1.0, 1.0]), logits().flip(2)
    labels = torch.tensor([[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    both, offsets = torch.cat((easy, hard)), OFFSETS.expand(2, 6, 4)
    alone = MultiBox()(easy, OFFSETS, labels[:1], OFFSETS)
    torch.testing.assert_close(MultiBox()(both, offsets, labels, offsets), alone)


def test_an_image_without_objects_counts_by_its_least_negatives() -> None:
    labels = torch.zeros(1, 6, dtype=torch.long)
    for least, expected in ((0, 0.0), (1, 3.0), (2, 5.0)):
        leaf = logits().requires_grad_()
        cost = MultiBox(min_negatives=least)(leaf, OFFSETS, labels, OFFSETS)
        cost.backward()
        assert cost.item() == pytest.approx(expected)
        assert int(leaf.grad.any(2).sum()) == least


def test_offsets_of_negatives_and_their_targets_mean_nothing() -> None:
    labels = torch.tensor([[0, 1, 0, 0, 0, 0]])
    offsets = torch.full_like(OFFSETS, 7.0).requires_grad_()
    target = torch.full_like(OFFSETS, torch.nan)
    target[0, 1] = 5.0
    cost = MultiBox(alpha=2.0)(logits(), offsets, labels, target)
    cost.backward()
    without = MultiBox(alpha=2.0)(logits(), OFFSETS, labels, OFFSETS)
    assert cost.item() - without.item() == pytest.approx(2 * 4 * 1.5)
    assert offsets.grad[0, 1].tolist() == [2.0] * 4
    offsets.grad[0, 1] = 0
    assert not offsets.grad.any()


def test_the_sum_is_divided_by_the_positives_of_the_batch() -> None:
    """Four even scores, two objects and all negatives: each prior costs ln 2, over 2 positives."""
    labels = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0]])
    got = MultiBox()(torch.zeros(2, 4, 2), torch.zeros(2, 4, 4), labels, torch.zeros(2, 4, 4))
    assert got.item() == pytest.approx(4 * log(2) / 2)


def test_no_priors_and_no_images_cost_nothing() -> None:
    for shape in ((0, 5), (2, 0)):
        leaf, boxes = torch.zeros(*shape, 3, requires_grad=True), torch.zeros(*shape, 4)
        cost = MultiBox(min_negatives=1)(leaf, boxes, torch.zeros(shape).long(), boxes)
        cost.backward()
        assert cost.item() == 0


def test_its_keywords_have_rules() -> None:
    for name, value in {"neg_pos_ratio": -1, "alpha": 0, "beta": -1, "min_negatives": -1}.items():
        with pytest.raises(ValueError, match=f"`{name}` is .* must be a number"):
            MultiBox(**{name: value})
