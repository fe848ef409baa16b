"""What all value losses share: masks over unknown targets, weights, and no broadcasting."""

import pytest
import torch

from piste.losses import AbsoluteError, Huber, SquaredError

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
