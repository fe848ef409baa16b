"""What focal Tversky alone promises: a root of each class's Tversky loss, with a finite slope."""

import pytest
import torch

from piste.losses import FocalTversky, Tversky

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
TARGET = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))


def test_gamma_one_is_tversky() -> None:
    torch.testing.assert_close(FocalTversky(gamma=1.0)(LOGITS, TARGET), Tversky()(LOGITS, TARGET))


@pytest.mark.parametrize("gamma", [0.5, 4 / 3, 3.0])
def test_the_root_is_taken_of_each_class_before_the_mean(gamma) -> None:
    by_class = Tversky(reduction="none")(LOGITS, TARGET)
    torch.testing.assert_close(FocalTversky(gamma=gamma)(LOGITS, TARGET), (by_class ** (1 / gamma)).mean())


def test_alpha_prices_false_positives_and_beta_false_negatives() -> None:
    target = torch.tensor([[[1.0, 1.0, 1.0, 0.0, 0.0]]])
    loss = FocalTversky(alpha=2.0, beta=3.0, gamma=2.0, activation="sigmoid")
    false_alarms = loss(torch.full((1, 1, 5), 100.0), target)
    torch.testing.assert_close(false_alarms, torch.tensor(4 / 7) ** 0.5)
    misses = loss(torch.tensor([[[100.0, -100.0, -100.0, -100.0, -100.0]]]), target)
    torch.testing.assert_close(misses, torch.tensor(6 / 7) ** 0.5)


def test_gamma_above_one_is_steepest_near_the_right_answer() -> None:
    """d/dx x^(1/gamma) falls with x for gamma > 1 and rises for gamma < 1."""
    target = torch.ones(1, 1, 100)

    def steepness(gamma: float, hits: int) -> float:
        logits = torch.full((1, 1, 100), -100.0)
        logits[..., :hits] = 100
        logits[..., hits] = 0
        logits.requires_grad_()
        FocalTversky(gamma=gamma, activation="sigmoid")(logits, target).backward()
        plain = logits.detach().clone().requires_grad_()
        Tversky(activation="sigmoid")(plain, target).backward()
        return (logits.grad.abs().max() / plain.grad.abs().max()).item()

    assert steepness(2.0, 95) > 1 > steepness(2.0, 5)
    assert steepness(0.5, 95) < 1 < steepness(0.5, 5)


@pytest.mark.parametrize("size", [20.0, 100.0, 1e4])
@pytest.mark.parametrize("gamma", [4 / 3, 3.0, 100.0])
def test_a_flawless_prediction_has_a_finite_slope(gamma, size) -> None:
    logits = size * torch.nn.functional.one_hot(TARGET, 3).movedim(-1, 1).float()
    logits.requires_grad_()
    value = FocalTversky(gamma=gamma)(logits, TARGET)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("gamma", [0.0, -1.0, float("nan")])
def test_gamma_must_be_a_root(gamma) -> None:
    with pytest.raises(ValueError, match=r"`gamma` is a root and must be a number > 0; got"):
        FocalTversky(gamma=gamma)
