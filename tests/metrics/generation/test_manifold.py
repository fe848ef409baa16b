import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from piste.metrics.generation import manifold
from piste.metrics.generation.manifold import nearest, precision_recall


def points(count, seed, shift=0.0):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)) + shift


def as_in_the_paper(samples, members, k):
    """The share of samples that some member's k-th neighbour distance reaches."""
    reach = NearestNeighbors(n_neighbors=k + 1).fit(members).kneighbors(members)[0][:, k]
    inside = [any(math.dist(s, m) <= r for m, r in zip(members.tolist(), reach, strict=True)) for s in samples.tolist()]
    return sum(inside) / len(inside)


@pytest.mark.parametrize("at_once", [7, 1000])
def test_it_is_what_the_paper_says(monkeypatch, at_once):
    monkeypatch.setattr(manifold, "AT_ONCE", at_once)
    real, fake = points(40, 0), points(30, 1, shift=0.8)
    found = precision_recall(real, fake, neighbours=3)
    assert found.precision.item() == pytest.approx(as_in_the_paper(fake, real, 3))
    assert found.recall.item() == pytest.approx(as_in_the_paper(real, fake, 3))
    assert found.precision != found.recall


def test_a_collapsed_generator_is_precise_and_recalls_nothing():
    real = points(50, 0)
    found = precision_recall(real, real[:1].expand(50, -1))
    assert found.precision == 1
    assert found.recall == pytest.approx(1 / 50)  # the one that it copies


def test_copies_of_real_samples_are_perfect():
    real = points(20, 0)
    assert precision_recall(real, real.flip(0)) == (1, 1)


def test_the_nearest_member_is_found():
    distance, index = nearest(torch.tensor([[0.0], [9.0]]), torch.tensor([[4.0], [8.5], [1.0]]))
    assert distance.tolist() == [1.0, 0.5]
    assert index.tolist() == [2, 1]
