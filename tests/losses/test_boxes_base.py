"""What all losses over pairs of boxes promise: what is taken, and what is refused."""

import pytest
import torch

from piste.losses import BoxIoU


def boxes(*rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_areas_beyond_float16_are_computed_in_float32() -> None:
    """Sides of 1024 have areas of 2^20; moved by 512, a quarter of the one lies in the other."""
    predicted = torch.tensor([[0.0, 0.0, 1024.0, 1024.0]], dtype=torch.float16)
    assert BoxIoU(kind="iou")(predicted, predicted + 512).item() == pytest.approx(1 - 1 / 7, rel=1e-6)


def test_integer_targets_are_boxes_too() -> None:
    assert BoxIoU(kind="iou")(boxes([0, 0, 2, 2]), torch.tensor([[1, 0, 3, 2]])).item() == pytest.approx(2 / 3)


def test_only_pairs_are_taken() -> None:
    with pytest.raises(ValueError, match=r"pairs of boxes, both \[N, 4\] .* got \[2, 4\] and \[1, 4\].*expand_as"):
        BoxIoU()(torch.zeros(2, 4), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"`predicted` must be floating; got torch\.int64"):
        BoxIoU()(torch.zeros(2, 4).long(), torch.zeros(2, 4))


def test_no_boxes_cost_nothing() -> None:
    predicted = torch.zeros(0, 4, requires_grad=True)
    cost = BoxIoU()(predicted, torch.zeros(0, 4))
    cost.backward()
    assert cost.item() == 0
