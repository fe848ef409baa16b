import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from piste.metrics.generation.frechet import frechet_distance


def features(count, seed, scale=1.0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(7, 7, generator=generator)
    return scale * torch.randn(count, 7, generator=generator) @ mix + shift


def test_of_normal_laws_in_one_dimension_it_is_in_closed_form():
    real = torch.tensor([[0.0], [2.0], [4.0]])  # mean 2, variance 4
    fake = torch.tensor([[9.0], [10.0], [11.0]])  # mean 10, variance 1
    assert frechet_distance(real, fake).item() == pytest.approx((10 - 2) ** 2 + (2 - 1) ** 2)


def test_it_is_what_the_formula_says():
    real, fake = features(50, 1), features(30, 2, scale=2.0, shift=0.5)
    one, other = (np.cov(each.double().numpy().T) for each in (real, fake))
    root = sqrtm(one @ other).real
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum().item() + np.trace(one + other - 2 * root)
    assert frechet_distance(real, fake).item() == pytest.approx(expected, rel=1e-5)


class Identity(nn.Module):
    num_features = 7

    def forward(self, x):
        return x


def test_torchmetrics_agrees():
    theirs = FrechetInceptionDistance(feature=Identity())
    real, fake = features(50, 1), features(30, 2, shift=1.0)
    theirs.update(real, real=True)
    theirs.update(fake, real=False)
    assert frechet_distance(real, fake).item() == pytest.approx(theirs.compute().item(), rel=1e-4)


def test_a_set_is_at_no_distance_from_itself_even_where_features_are_constant():
    real = features(20, 3)
    real[:, 2] = 5.0
    assert frechet_distance(real, real).item() == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(real, real.roll(1, 0)).item() >= 0
