"""What gradient consistency alone promises: edges of the mask run along edges of the image, whichever way they rise."""

import pytest
import torch

from piste.losses import GradientConsistency

ROWS = (torch.arange(12) // 4 % 2).double().view(1, 1, 12, 1).expand(1, 1, 12, 12)
STRIPES = {"image": ROWS}
LOSS = GradientConsistency(activation="sigmoid")


def sure(mask: torch.Tensor) -> torch.Tensor:
    """Logits that say so."""
    return 10.0 * mask - 5.0


def test_edges_along_the_image_s_cost_nothing_and_across_them_everything() -> None:
    assert LOSS(sure(ROWS), STRIPES).item() == pytest.approx(0, abs=1e-4)
    assert LOSS(sure(ROWS.mT), STRIPES).item() == pytest.approx(1, abs=1e-3)


def test_which_side_is_which_does_not_matter() -> None:
    assert LOSS(sure(1 - ROWS), STRIPES).item() == pytest.approx(0, abs=1e-4)
    assert LOSS(sure(ROWS), {"image": 1 - ROWS}).item() == pytest.approx(0, abs=1e-4)


def test_neither_brightness_nor_contrast_of_the_image_matters() -> None:
    torch.manual_seed(0)
    logits, image = torch.randn(1, 1, 12, 12).double(), torch.rand(1, 3, 12, 12).double()
    value = LOSS(logits, {"image": image})
    torch.testing.assert_close(LOSS(logits, {"image": 255 * image + 7}), value, rtol=1e-3, atol=0)
    torch.testing.assert_close(LOSS(logits, {"image": image.mean(1, keepdim=True)}), value)


def test_an_edge_where_the_image_is_flat_costs_everything() -> None:
    assert LOSS(sure(ROWS), {"image": 0 * ROWS + 0.5}).item() == pytest.approx(1, abs=1e-3)


def test_a_diagonal_edge_costs_half_of_one_across() -> None:
    """The squared cosine of 45 degrees."""
    ramp = (torch.arange(12).view(-1, 1) + torch.arange(12)).double().view(1, 1, 12, 12) / 22
    down = (torch.arange(12.0).double().view(1, 1, 12, 1) / 11).expand(1, 1, 12, 12)
    assert LOSS(sure(ramp) / 10, {"image": down}).item() == pytest.approx(0.5, abs=1e-2)


def test_a_blank_mask_costs_nothing_and_has_a_finite_slope() -> None:
    for level in (0.0, -30.0, 1e4):
        logits = torch.full((1, 1, 12, 12), level, requires_grad=True)
        value = LOSS(logits, {"image": ROWS.float()})
        value.backward()
        assert value.item() == 0
        assert not logits.grad.any()


def test_pulls_an_edge_that_is_off_towards_the_image_s() -> None:
    """Steps down the slope turn a mask's slanted edge until it lies along the stripes."""
    slanted = (torch.arange(12).view(-1, 1) - 6 + 0.7 * (torch.arange(12) - 6)).double().view(1, 1, 12, 12)
    image = {"image": (torch.arange(12) >= 6).double().view(1, 1, 12, 1).expand(1, 1, 12, 12)}
    logits = slanted.clone().requires_grad_()
    first = LOSS(logits, image).item()
    for _ in range(30):
        (slope,) = torch.autograd.grad(LOSS(logits, image), logits)
        logits = (logits - 3 * slope).detach().requires_grad_()
    assert LOSS(logits, image).item() < 0.85 * first


def test_an_edge_counts_only_where_its_whole_neighbourhood_does() -> None:
    """Beside the masked column nothing has a slope, two columns away it has."""
    mask = torch.ones(1, 1, 12, 12, dtype=torch.bool)
    mask[..., 6] = False
    logits = torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    value = LOSS(logits, STRIPES, mask=mask)
    value.backward()
    assert not logits.grad[..., 6].any()
    assert bool(logits.grad[..., 5].any())
    halves = [LOSS(logits[..., columns], {"image": ROWS[..., columns]}) for columns in (slice(6), slice(7, 12))]
    assert min(halves) <= value <= max(halves)


def test_of_two_classes_both_have_the_same_edge() -> None:
    logits = torch.randn(2, 2, 9, 8, generator=torch.Generator().manual_seed(0)).double()
    image = {"image": torch.rand(2, 1, 9, 8, generator=torch.Generator().manual_seed(1)).double()}
    each = GradientConsistency(reduction="none")(logits, image)
    torch.testing.assert_close(each[:, 0], each[:, 1])
    torch.testing.assert_close(GradientConsistency(classes=[1])(logits, image), each.mean())


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ROWS, '`target` must be a mapping whose "image" holds .*; got Tensor'),
        ({"labels": ROWS}, r"got a mapping of \['labels'\]"),
        ({"image": ROWS.mT[:, :, :5]}, r'`target\["image"\]` must be floating, \[1, 1, 12, 12\] or \[1, 3, 12, 12\]'),
        ({"image": ROWS.to(torch.uint8)}, "got torch.uint8 .*Divide bytes by 255"),
    ],
)
def test_what_is_no_image_is_refused(target, words) -> None:
    with pytest.raises(ValueError, match=words):
        LOSS(sure(ROWS), target)
