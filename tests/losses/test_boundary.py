"""What the boundary loss alone promises: distance prices mistakes, and it says how it is meant to be used."""

import pytest
import torch

from piste.losses import Boundary, GeneralizedDice, signed_distance
from piste.objective import Ramp

LABELS = torch.zeros(1, 9, 11, dtype=torch.long)
LABELS[:, 3:6, 4:8] = 1
MAPS = {"distance": signed_distance(LABELS, classes=2)}


def sure(labels: torch.Tensor) -> torch.Tensor:
    """Logits that say so."""
    return 100.0 * torch.stack((labels == 0, labels == 1), 1) - 50.0


def test_the_truth_costs_least_and_less_than_nothing() -> None:
    loss = Boundary(classes=[1])
    least = loss(sure(LABELS), MAPS)
    assert least.item() < 0
    for wrong in (LABELS * 0, LABELS * 0 + 1, LABELS.roll(1, 2), LABELS.roll(-2, 1)):
        assert loss(sure(wrong), MAPS) > least


def test_a_false_alarm_pays_its_distance_to_the_outline() -> None:
    """3 pixels away from the object, and one at (3, 4) from its corner: 5."""
    loss = Boundary(classes=[1], reduction="sum")
    for (row, column), distance in {(4, 1): 3.0, (0, 0): 5.0, (4, 8): 1.0}.items():
        more = LABELS.clone()
        more[0, row, column] = 1
        assert (loss(sure(more), MAPS) - loss(sure(LABELS), MAPS)).item() == pytest.approx(distance, rel=1e-5)


def test_a_miss_gives_back_its_depth() -> None:
    less = LABELS.clone()
    less[0, 4, 5] = 0
    loss = Boundary(classes=[1], reduction="sum")
    assert (loss(sure(less), MAPS) - loss(sure(LABELS), MAPS)).item() == pytest.approx(2.0, rel=1e-5)


def test_a_class_without_an_outline_costs_nothing() -> None:
    maps = {"distance": signed_distance(LABELS * 0, classes=2)}
    logits = torch.randn(1, 2, 9, 11, generator=torch.Generator().manual_seed(0))
    assert Boundary()(logits, maps).item() == 0


def test_only_chosen_classes_count_and_labels_are_not_read() -> None:
    logits = torch.randn(1, 2, 9, 11, generator=torch.Generator().manual_seed(0))
    each = Boundary(reduction="none")(logits, MAPS).mean((0, 2, 3))
    torch.testing.assert_close(Boundary(classes=[1])(logits, MAPS | {"labels": None}), each[1])
    torch.testing.assert_close(Boundary(weight=[1.0, 3.0])(logits, MAPS), (each[0] + 3 * each[1]) / 4)
    torch.testing.assert_close(Boundary(weight=[1.0, 3.0], classes=[1])(logits, MAPS), each[1])


@pytest.mark.parametrize(
    ("target", "came"), [(LABELS, "got Tensor"), ({"labels": LABELS}, r"got a mapping of \['labels'\]")]
)
def test_says_how_to_get_maps_and_what_to_add_it_to(target, came) -> None:
    with pytest.raises(
        ValueError, match=f"`target` must be a mapping .*{came}.*signed_distance.*under a ramp"
    ) as error:
        Boundary()(sure(LABELS), target)
    assert "GeneralizedDice() + Ramp(0.01, 1.0, epochs=50) * Boundary()" in str(error.value)


def test_says_so_to_maps_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r'`target\["distance"\]` must be .* \[1, 2, 9, 11\]; got .*\[1, 1, 9, 11\]'):
        Boundary()(sure(LABELS), {"distance": MAPS["distance"][:, :1]})


def test_can_be_added_to_a_loss_of_regions_under_a_ramp() -> None:
    objective = GeneralizedDice() + Ramp(0.01, 1.0, epochs=50) * Boundary()
    assert repr(objective).count("Boundary") == 1


def test_scores_without_pixels_are_one_pixel_each() -> None:
    maps = torch.tensor([[1.0, -3.0]])
    assert Boundary()(torch.zeros(1, 2), {"distance": maps}).item() == pytest.approx((0.5 * 1 - 0.5 * 3) / 2)
