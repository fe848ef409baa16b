"""Means do not depend on how samples are dealt into batches, and leave out what is not defined."""

import math

import pytest
import torch

from piste.metrics.means import Means


def test_batches_of_any_size_give_the_mean_over_samples():
    values = torch.rand(13, generator=torch.Generator().manual_seed(3))
    one, two = Means(["a", "b"]), Means(["a", "b"])
    one.update(a=values, b=1 + values)
    for part in (values[:1], values[1:4], values[4:]):
        two.update(b=1 + part, a=part)
    assert one.by_name() == pytest.approx({"a": values.double().mean().item(), "b": 1 + values.double().mean().item()})
    assert two.by_name() == pytest.approx(one.by_name(), rel=1e-12)


def test_what_is_not_defined_is_left_out():
    means = Means(["a"])
    means.update(a=torch.tensor([math.nan]))
    assert math.isnan(means.by_name()["a"])
    means.update(a=torch.tensor([1.0, math.nan, 3.0]))
    assert means.by_name() == {"a": 2.0}


def test_small_parts_are_not_lost_in_long_sums():
    means = Means(["a"])
    means.update(a=torch.tensor([1e8]))
    for _ in range(9):
        means.update(a=torch.full((1000,), 1.0))
    assert means.by_name()["a"] == pytest.approx((1e8 + 9000) / 9001, rel=1e-12)
