"""What Jaccard alone promises: intersection over union, and its best value at a soft label."""

import pytest
import torch

from piste.losses import Dice, Jaccard


def test_of_a_hard_prediction_is_one_minus_the_mean_iou() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, target = (torch.randint(3, (2, 7, 5), generator=generator) for _ in range(2))
    scores = []
    for c in range(3):
        both, either = ((predicted == c) & (target == c)).sum(), ((predicted == c) | (target == c)).sum()
        scores.append(both / either)
    logits = 100.0 * torch.nn.functional.one_hot(predicted, 3).movedim(-1, 1).float()
    torch.testing.assert_close(Jaccard()(logits, target), 1 - torch.stack(scores).mean())


@pytest.mark.parametrize("y", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_minimum_lies_at_the_soft_label(activation, y) -> None:
    """The product form p * y would be best at p = 1 for any y > 1/2, and here the label itself costs 0."""
    probs = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    loss = Jaccard(activation=activation)
    if activation == "softmax":
        costs = [loss(torch.stack((p, 1 - p)).log().view(1, 2), torch.tensor([[y, 1 - y]])) for p in probs]
    else:
        costs = [loss(p.logit().view(1, 1), torch.tensor([[y]])) for p in probs]
    best = torch.stack(costs).argmin()
    assert probs[best].item() == pytest.approx(y)
    assert costs[best].item() == pytest.approx(0.0, abs=1e-6)


def test_orders_predictions_as_dice_does() -> None:
    """For one class 1 - J = 2 d / (1 + d), with d the Dice loss."""
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(1, 1, 35, generator=generator), torch.rand(1, 1, 35, generator=generator)
    d = Dice(activation="sigmoid")(logits, target)
    torch.testing.assert_close(Jaccard(activation="sigmoid")(logits, target), 2 * d / (1 + d))
