"""What all label losses share: weights, masks and soft labels, for any price of a log-probability."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses.labels.base import LabelLoss

WEIGHT = torch.tensor([0.5, 2.0, 3.0])


class Missing(LabelLoss):
    """The probability that the truth was not given: 1 - p."""

    def phi(self, log_p: torch.Tensor) -> torch.Tensor:
        """Price each."""
        return -torch.expm1(log_p)


def sample() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 7, 5, generator=generator), torch.randint(3, (2, 7, 5), generator=generator)


def test_any_price_is_averaged_by_the_weight_of_the_true_class() -> None:
    logits, target = sample()
    miss = 1 - logits.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    weight = WEIGHT[target]
    torch.testing.assert_close(Missing(weight=WEIGHT)(logits, target), (weight * miss).sum() / weight.sum())


def test_a_soft_label_costs_the_average_of_its_classes_and_has_their_average_weight() -> None:
    logits, _ = sample()
    shares = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1)).softmax(1)
    weighted = shares * WEIGHT.view(-1, 1, 1)
    expected = (weighted * (1 - logits.softmax(1))).sum() / weighted.sum()
    torch.testing.assert_close(Missing(weight=WEIGHT)(logits, shares), expected)


def test_sigmoid_prices_each_label_by_its_side() -> None:
    logits, _ = sample()
    shares = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1))
    p = logits.sigmoid()
    expected = (shares * (1 - p) + (1 - shares) * p).mean()
    torch.testing.assert_close(Missing(activation="sigmoid")(logits, shares), expected)


def test_sigmoid_weights_act_along_the_classes() -> None:
    logits, _ = sample()
    labels = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1)) < 0.3
    each = Missing(activation="sigmoid", reduction="none")(logits, labels)
    expected = (each * WEIGHT.view(-1, 1, 1)).sum() / (WEIGHT.sum() * 2 * 7 * 5)
    torch.testing.assert_close(Missing(activation="sigmoid", weight=WEIGHT)(logits, labels), expected)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_an_unknown_soft_label_may_be_nan_where_masked(activation) -> None:
    logits, target = sample()
    shares = F.one_hot(target, 3).movedim(-1, 1).float()
    mask = torch.ones(2, 7, 5, dtype=torch.bool) if activation == "softmax" else torch.ones(2, 3, 7, 5) > 0
    mask[0] = False
    shares[0] = torch.nan
    value = Missing(activation=activation)(logits, shares, mask=mask)
    torch.testing.assert_close(value, Missing(activation=activation)(logits[1:], shares[1:]))


def test_masked_and_ignored_ids_may_lie_out_of_range() -> None:
    logits, target = sample()
    target[0], target[1, 0] = -7, 255
    mask = torch.tensor([False, True]).view(2, 1, 1)
    value = Missing(ignore_index=255)(logits, target, mask=mask)
    torch.testing.assert_close(value, Missing()(logits[1:, :, 1:], target[1:, 1:]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_ids_of_any_integer_type_are_the_same(dtype) -> None:
    logits, target = sample()
    torch.testing.assert_close(Missing()(logits, target.to(dtype)), Missing()(logits, target))


def test_half_precision_is_computed_in_float32() -> None:
    logits, target = sample()
    value = Missing()(logits.half(), target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, Missing()(logits.half().float(), target))
