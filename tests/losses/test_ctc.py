"""What CTC alone promises: the surprise at a text, of scores of any size."""

from math import exp

import pytest
import torch

from piste.losses import CTC


def lines(n: int = 3, t: int = 6, c: int = 4, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, t, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_log_probabilities_are_logits_too() -> None:
    call = torch.tensor([[1, 2], [3, 3], [2, 1]]), torch.tensor([6, 5, 4]), torch.tensor([2, 2, 1])
    torch.testing.assert_close(CTC()(lines().log_softmax(-1), *call), CTC()(lines() + 5, *call))


def test_sure_and_wrong_still_has_a_slope_in_half_precision() -> None:
    logits = torch.tensor([[[100.0, -100.0]]], dtype=torch.float16, requires_grad=True)
    cost = CTC()(logits, torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1]))
    cost.backward()
    assert cost.item() == pytest.approx(200)
    assert logits.grad.tolist() == [[[pytest.approx(1 - exp(-200)), pytest.approx(-1)]]]
