"""Fréchet distance: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of the normal laws nearest to two sets of features."""

import torch
from torch import Tensor


def frechet_distance(real: Tensor, fake: Tensor) -> Tensor:
    """How far two sets of features are apart, judged by their means and covariances; 0-d, >= 0.

    In the features of an Inception network this is called FID (Heusel et al. 2017, arXiv:1706.08500). Sets of few
    samples look farther apart than they are: compare values of equal sizes only.

    Args:
        real: features of real samples, [N, D], N >= 2.
        fake: features of generated ones, [M, D], M >= 2.

    Example:
        >>> a = torch.tensor([[0.0], [2.0]])
        >>> frechet_distance(a, a + 3).item()  # one spread, means 3 apart
        9.0
    """
    real, fake = real.double(), fake.double()
    apart = (real.mean(0) - fake.mean(0)).square().sum()
    one, other = (torch.cov(each.T).view(each.shape[1], -1) for each in (real, fake))
    # the eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2)
    values, vectors = torch.linalg.eigh(one)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    common = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
    distance: Tensor = apart + one.trace() + other.trace() - 2 * common
    return distance.clamp(min=0)
