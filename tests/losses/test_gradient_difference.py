"""What the gradient difference alone promises: edges where and as steep as the truth's, and nothing about areas."""

import pytest
import torch

from piste.losses import GradientDifference

EDGE = torch.zeros(1, 1, 5, 9)
EDGE[..., 4:] = 1


def logits(probs: torch.Tensor) -> torch.Tensor:
    """Scores of these probabilities."""
    return probs.double().logit(eps=1e-12)


def test_areas_do_not_matter_but_for_their_edges() -> None:
    loss = GradientDifference(activation="sigmoid")
    for shift in (0.0, 0.1, 0.4):
        assert loss(logits(0.5 * EDGE + shift), 0.5 * EDGE).item() == pytest.approx(0, abs=1e-6)


def test_an_edge_at_the_wrong_place_costs_both_places() -> None:
    """5 rows with 8 steps along and 4 of 9 across: 76 pairs, of which 5 are missed and 5 are false."""
    loss = GradientDifference(activation="sigmoid")
    assert loss(logits(EDGE.roll(1, 3).clamp(max=1) * EDGE), EDGE).item() == pytest.approx(10 / 76, rel=1e-6)


@pytest.mark.parametrize("alpha", [1.0, 1.5, 2.0])
def test_alpha_says_whether_a_soft_edge_is_dearer_than_a_missing_one(alpha) -> None:
    """A ramp of four steps of 1/4 has three false ones and one that is too low by 3/4."""
    loss = GradientDifference(activation="sigmoid", alpha=alpha)
    ramp = EDGE.clone()
    ramp[..., 3:7] = torch.tensor([0.25, 0.5, 0.75, 1.0])
    assert loss(logits(ramp), EDGE).item() == pytest.approx(5 * (3 * 0.25**alpha + 0.75**alpha) / 76, rel=1e-6)
    assert loss(logits(EDGE * 0), EDGE).item() == pytest.approx(5 / 76, rel=1e-6)


def test_the_negative_of_the_truth_is_free_by_height_alone() -> None:
    assert GradientDifference(activation="sigmoid", signed=False)(logits(1 - EDGE), EDGE).item() < 1e-9
    assert GradientDifference(activation="sigmoid")(logits(1 - EDGE), EDGE).item() == pytest.approx(10 / 76, rel=1e-6)


def test_an_edge_counts_only_where_both_its_ends_do() -> None:
    loss = GradientDifference(activation="sigmoid")
    mask = torch.ones(1, 1, 5, 9, dtype=torch.bool)
    mask[..., 4] = False
    assert loss(logits(EDGE * 0), EDGE, mask=mask).item() < 1e-20
    weight = torch.ones(1, 1, 5, 9)
    weight[..., 4:] = 3.0
    value = loss(logits(EDGE * 0), EDGE, sample_weight=weight)
    assert value.item() == pytest.approx(5 / (5 * 4 + 4 * 4 + 3 * (5 * 4 + 4 * 5)), rel=1e-6)


def test_of_volumes() -> None:
    """A cube's corner: 3 edges of the 12 of 2 x 2 x 2 pixels."""
    labels = torch.zeros(1, 1, 2, 2, 2)
    labels[0, 0, 0, 0, 0] = 1
    value = GradientDifference(activation="sigmoid")(logits(labels * 0), labels)
    assert value.item() == pytest.approx(3 / 12, rel=1e-6)


def test_a_power_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`alpha` is a power and must be a number >= 1; got 0\.5"):
        GradientDifference(alpha=0.5)
