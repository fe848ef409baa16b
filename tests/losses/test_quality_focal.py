"""What quality focal loss alone promises: labels between 0 and 1, met exactly, with focus on what is far off."""

from math import log

import pytest
import torch

from piste.losses import Focal, QualityFocal


@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("y", [0.1, 0.5, 0.8])
def test_a_score_that_meets_its_label_costs_nothing_and_any_other_more(beta, y) -> None:
    loss = QualityFocal(beta=beta, reduction="none")
    logits = torch.linspace(-5, 5, 1001, dtype=torch.float64).unsqueeze(1)
    costs = loss(logits, torch.full_like(logits, y))
    assert logits[costs.argmin()].sigmoid().item() == pytest.approx(y, abs=2e-3)
    met = torch.tensor([[log(y / (1 - y))]], dtype=torch.float64)
    assert loss(met, torch.full_like(met, y)).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0])
def test_hard_labels_make_it_focal(beta) -> None:
    logits = 3 * torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    target = torch.arange(12).view(4, 3) % 2
    torch.testing.assert_close(
        QualityFocal(beta=beta)(logits, target), Focal(gamma=beta, activation="sigmoid")(logits, target)
    )


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [0.0, 17.0, 50.0, 120.0, 1e4])
def test_slopes_are_finite_also_on_the_label_itself(beta, size) -> None:
    logits = torch.tensor([[size, -size, 0.0]], requires_grad=True)
    QualityFocal(beta=beta)(logits, torch.tensor([[1.0, 0.0, 0.5]])).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 2] == 0


def test_a_sure_and_right_answer_keeps_its_digits() -> None:
    """p = 1 / (1 + e^-20): (e^-20)^1 * e^-20, where 1 - p in float32 would be 0."""
    value = QualityFocal(beta=1.0)(torch.tensor([[20.0]]), torch.tensor([[1.0]]))
    assert value.item() == pytest.approx(torch.tensor(-40.0, dtype=torch.float64).exp().item(), rel=1e-5, abs=0)


def test_beta_is_an_exponent() -> None:
    with pytest.raises(ValueError, match="`beta` is an exponent and must be a number >= 0; got -1"):
        QualityFocal(beta=-1)
