"""What absolute error alone promises: torch's own, with its best value at the median."""

import pytest
import torch

from piste.losses import AbsoluteError

PREDICTION, TARGET = torch.randn(2, 2, 3, 7, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_is_torch_l1_loss(reduction) -> None:
    expected = torch.nn.functional.l1_loss(PREDICTION, TARGET, reduction=reduction)
    torch.testing.assert_close(AbsoluteError(reduction=reduction)(PREDICTION, TARGET), expected)


def test_the_best_constant_is_the_median_whatever_an_outlier_does() -> None:
    target = torch.tensor([1.0, 2.0, 4.0, 8.0, 1e6])
    costs = [AbsoluteError(reduction="sum")(torch.full_like(target, x), target).item() for x in (3.0, 4.0, 5.0)]
    assert min(costs) == costs[1]
