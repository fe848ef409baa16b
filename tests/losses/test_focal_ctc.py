"""What FocalCTC alone promises: a line that is read well loses its say."""

from math import log

import pytest
import torch

from piste.losses import CTC, FocalCTC

LOGITS = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CALL = torch.tensor([[1, 2], [3, 3], [2, 1]]), torch.tensor([6, 5, 4]), torch.tensor([2, 2, 1])


def test_gamma_0_is_alpha_times_ctc() -> None:
    torch.testing.assert_close(FocalCTC(gamma=0.0, alpha=0.7)(LOGITS, *CALL), 0.7 * CTC()(LOGITS, *CALL))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_line_that_is_read_well_costs_less_than_its_share(gamma) -> None:
    """One step: the probability of the text is that of its character."""
    for p in (0.9, 0.5, 0.01):
        logits = torch.tensor([[[0.0, log(p / (1 - p))]]], dtype=torch.float64)
        cost = FocalCTC(gamma=gamma, alpha=1.0)(logits, torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1]))
        assert cost.item() == pytest.approx((1 - p) ** gamma * -log(p), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 3.0])
def test_a_line_read_beyond_doubt_costs_nothing_and_has_no_slope(gamma) -> None:
    logits = torch.tensor([[[0.0, 1e4]]], requires_grad=True)
    cost = FocalCTC(gamma=gamma)(logits, torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1]))
    cost.backward()
    assert cost.item() == pytest.approx(0, abs=1e-20)
    assert not logits.grad.any()


def test_an_impossible_line_has_no_slope_and_no_nan() -> None:
    logits = LOGITS.clone().requires_grad_()
    target, _, characters = CALL
    cost = FocalCTC(reduction="none")(logits, target, torch.tensor([6, 2, 4]), characters)
    cost.sum().backward()
    assert cost.isinf().tolist() == [False, True, False]
    assert logits.grad.isfinite().all()
    assert not logits.grad[1].any()


def test_gamma_and_alpha_have_rules() -> None:
    with pytest.raises(ValueError, match=r"`gamma` is an exponent and must be a number >= 0; got -1"):
        FocalCTC(gamma=-1)
    with pytest.raises(ValueError, match=r"`alpha` is a factor and must be a number > 0; got 0"):
        FocalCTC(alpha=0)
