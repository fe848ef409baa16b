"""What the Hausdorff loss alone promises: mistakes weigh by their distance to both outlines."""

import pytest
import torch

from piste.losses import Hausdorff

LABELS = torch.zeros(1, 1, 7, 11, dtype=torch.long)
LABELS[..., 2:5, 1:4] = 1


def sure(labels: torch.Tensor) -> torch.Tensor:
    """Logits that say so."""
    return 100.0 * labels - 50.0


def with_one(row: int, column: int) -> torch.Tensor:
    labels = LABELS.clone()
    labels[..., row, column] = 1
    return labels


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_a_false_alarm_pays_its_distance_to_the_truth_and_its_depth_in_the_prediction(alpha) -> None:
    """A pixel alone lies 1 inside its own outline, and 6 columns from the object."""
    loss = Hausdorff(activation="sigmoid", alpha=alpha)
    assert loss(sure(LABELS), LABELS).item() == pytest.approx(0, abs=1e-9)
    assert loss(sure(with_one(3, 9)), LABELS).item() == pytest.approx((6**alpha + 1) / 77, rel=1e-5)
    assert loss(sure(LABELS), with_one(3, 9)).item() == pytest.approx((6**alpha + 1) / 77, rel=1e-5)


def test_spacing_is_the_size_of_a_pixel_along_each_axis() -> None:
    loss = Hausdorff(activation="sigmoid", spacing=[2.0, 0.5])
    assert loss(sure(with_one(3, 9)), LABELS).item() == pytest.approx((3.0**2 + 0.5**2) / 77, rel=1e-5)
    with pytest.raises(ValueError, match=r"`spacing` must have one number for each of 2 axes"):
        Hausdorff(activation="sigmoid", spacing=[1.0, 1.0, 1.0])(sure(LABELS), LABELS)


def test_an_empty_side_adds_no_distance() -> None:
    loss = Hausdorff(activation="sigmoid")
    depth = torch.tensor([[1.0, 1, 1], [1, 2, 1], [1, 1, 1]]).square().sum().item()
    assert loss(sure(LABELS * 0), LABELS).item() == pytest.approx(depth / 77, rel=1e-5)
    assert loss(sure(LABELS), LABELS * 0).item() == pytest.approx(depth / 77, rel=1e-5)


def test_of_volumes() -> None:
    """Two opposite corners of a cube of 2 x 3 x 4 pixels."""
    labels, found = torch.zeros(1, 1, 2, 3, 4), torch.zeros(1, 1, 2, 3, 4)
    labels[0, 0, 0, 0, 0] = found[0, 0, 1, 2, 3] = 1
    value = Hausdorff(activation="sigmoid")(sure(found), labels)
    assert value.item() == pytest.approx(2 * (1**2 + (1**2 + 2**2 + 3**2)) / 24, rel=1e-5)


def test_a_masked_pixel_is_no_place_to_be_near_to() -> None:
    """Without the last column of the object the false alarm is 7 from it; without its own neighbours, 2^(1/2) deep."""
    mask = torch.ones(1, 1, 7, 11, dtype=torch.bool)
    mask[..., 3] = False
    mask[..., [2, 4, 3, 3], [9, 9, 8, 10]] = False
    value = Hausdorff(activation="sigmoid")(sure(with_one(3, 9)), LABELS, mask=mask)
    assert value.item() == pytest.approx((7**2 + 2) / 66, rel=1e-5)


def test_is_the_mean_over_chosen_classes_and_images() -> None:
    dice = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 3, 7, 5, generator=dice), torch.randint(3, (2, 7, 5), generator=dice)
    each = Hausdorff(reduction="none")(logits, target)
    assert each.shape == (2, 3)
    torch.testing.assert_close(Hausdorff(classes=[2, 1])(logits, target), each[:, [2, 1]].mean())
    alone = [Hausdorff(reduction="none")(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(each, torch.cat(alone))


def test_needs_pixels() -> None:
    with pytest.raises(ValueError, match=r"`logits` must have one to three axes of pixels, .*got \[2, 3\]"):
        Hausdorff()(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long))
