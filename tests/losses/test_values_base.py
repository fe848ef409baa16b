"""What all value losses share: masks over unknown targets, weights, and no broadcasting."""

import pytest
import torch

from piste.losses import AbsoluteError, Charbonnier, Huber, LogCosh, Quantile, SquaredError

LOSSES = [SquaredError(), AbsoluteError(), Huber(delta=0.5)]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), 1e30])
def test_an_unknown_target_may_be_anything_where_masked(loss, unknown) -> None:
    prediction = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    target, mask = torch.tensor([[0.0, unknown, 5.0]]), torch.tensor([[True, False, True]])
    value = loss(prediction, target, mask=mask)
    torch.testing.assert_close(value, loss(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 5.0]])))
    value.backward()
    assert prediction.grad[0, 1] == 0
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_shapes_that_would_broadcast_are_refused(loss) -> None:
    with pytest.raises(ValueError, match=r"must have one shape; got \[4, 1\] and \[4\]"):
        loss(torch.zeros(4, 1), torch.zeros(4))


def test_a_prediction_must_be_floating() -> None:
    with pytest.raises(ValueError, match=r"`prediction` must be floating; got torch.int64"):
        SquaredError()(torch.zeros(3, dtype=torch.long), torch.zeros(3))


def test_integer_targets_are_numbers_too() -> None:
    assert SquaredError()(torch.tensor([1.0, 3.0]), torch.tensor([1, 1])) == 2.0


def test_the_mean_is_over_the_weights() -> None:
    value = AbsoluteError()(torch.tensor([1.0, 5.0]), torch.zeros(2), sample_weight=torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(value, torch.tensor(2.0))


BY_HAND = {
    SquaredError(): lambda e: e**2,
    AbsoluteError(): lambda e: e.abs(),
    Huber(delta=0.5): lambda e: torch.where(e.abs() < 0.5, e**2 / 2, 0.5 * (e.abs() - 0.25)),
    LogCosh(): lambda e: e.cosh().log(),
    Quantile(q=0.9): lambda e: torch.where(e < 0, -0.9 * e, 0.1 * e),
    Charbonnier(epsilon=0.3): lambda e: (e**2 + 0.09).sqrt(),
}


@pytest.mark.parametrize("loss", BY_HAND, ids=repr)
@pytest.mark.parametrize("mirrored", [False, True])
def test_more_numbers_than_fit_the_cache_cost_as_few_do(loss, mirrored) -> None:
    """2 x 3 x 307 x 311 of them, in the order of memory and in another."""
    dice = torch.Generator().manual_seed(2)
    prediction, target = (3 * torch.randn(2, 3, 307, 311, generator=dice, dtype=torch.float64) for _ in range(2))
    if mirrored:
        prediction, target = prediction.mT.flip(1).contiguous().mT, target.to(memory_format=torch.channels_last)
    mask = torch.rand(prediction.shape, generator=dice) < 0.8
    weight = torch.rand(2, 1, 307, 1, generator=dice, dtype=torch.float64)
    ours, theirs = (prediction.clone().requires_grad_() for _ in range(2))
    value = loss(ours, target, mask=mask, sample_weight=weight)
    counts = mask * weight
    expected = (counts * BY_HAND[loss](theirs - target)).sum() / counts.sum()
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("loss", BY_HAND, ids=repr)
def test_a_target_may_learn_too(loss) -> None:
    dice = torch.Generator().manual_seed(2)
    prediction, target = (torch.randn(7, generator=dice).requires_grad_() for _ in range(2))
    loss(prediction, target).backward()
    torch.testing.assert_close(target.grad, -prediction.grad)
    assert target.grad.any()
