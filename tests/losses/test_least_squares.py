"""What the least-squares loss alone promises: labels for scores, under the paper's names."""

import pytest
import torch

from piste.losses import LeastSquares


@pytest.mark.parametrize(("a", "b", "c"), [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.3, -2.0, 5.0)])
def test_a_is_wanted_of_fake_b_of_real_and_c_by_the_generator(a, b, c) -> None:
    loss = LeastSquares(a=a, b=b, c=c)
    assert loss.discriminator(torch.tensor([b]), torch.tensor([a])) == 0
    assert loss.discriminator(torch.tensor([b + 2]), torch.tensor([a])).item() == pytest.approx(2.0)
    assert loss.discriminator(torch.tensor([b]), torch.tensor([a - 2])).item() == pytest.approx(2.0)
    assert loss.generator(torch.tensor([c])) == 0
    assert loss.generator(torch.tensor([c + 2])).item() == pytest.approx(2.0)


def test_scores_pass_through_no_sigmoid() -> None:
    """Of a critic that ends linearly the price keeps growing: 100 is (100 - 1)^2 / 2 from 1."""
    assert LeastSquares().generator(torch.tensor([100.0])).item() == pytest.approx(4900.5)


def test_real_and_fake_must_not_be_wanted_alike() -> None:
    with pytest.raises(ValueError, match="`a` and `b` must differ"):
        LeastSquares(a=1.0)
