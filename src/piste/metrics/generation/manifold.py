"""Precision and recall of generated samples, by the neighbourhoods of each set in a feature space."""

from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 1024  # rows of a matrix of distances that are held at a time


class PrecisionRecall(NamedTuple):
    """Two shares, 0-d, in 0 … 1.

    Args:
        precision: of generated samples that lie among the real ones: how real they look.
        recall: of real samples that lie among the generated ones: how much of reality is made.
    """

    precision: Tensor
    recall: Tensor


def precision_recall(real: Tensor, fake: Tensor, neighbours: int = 3) -> PrecisionRecall:
    """The improved precision and recall of Kynkäänniemi et al. 2019, arXiv:1904.06991.

    A sample lies among a set if it is no farther from some member of it than that member from its k-th nearest
    neighbour in the set.

    Args:
        real: features of real samples, [N, D].
        fake: features of generated ones, [M, D]; the paper takes as many.
        neighbours: k; the paper takes 3. N and M must be larger.

    Example:
        >>> real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
        >>> precision_recall(real, torch.tensor([[0.5], [1.5], [20.0], [21.0]]), neighbours=1)
        PrecisionRecall(precision=tensor(0.5000), recall=tensor(0.7500))
    """
    near_real, near_fake = _reach(real, neighbours), _reach(fake, neighbours)
    precise, recalled = [], []
    for part, reach in zip(torch.split(fake, AT_ONCE), torch.split(near_fake, AT_ONCE), strict=True):
        apart = torch.cdist(part, real, compute_mode=_EXACT)
        precise.append((apart <= near_real).any(1))
        recalled.append((apart <= reach[:, None]).any(0))
    return PrecisionRecall(torch.cat(precise).float().mean(), torch.stack(recalled).any(0).float().mean())


_EXACT = "donot_use_mm_for_euclid_dist"  # by products a point is not at 0 from itself


def _reach(members: Tensor, neighbours: int) -> Tensor:
    """How far each member's k-th nearest neighbour is from it, [N]."""
    parts = [torch.cdist(part, members, compute_mode=_EXACT) for part in torch.split(members, AT_ONCE)]
    return torch.cat([part.kthvalue(neighbours + 1).values for part in parts])  # the nearest is the member itself


def nearest(samples: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """How far each sample is from the nearest member, [N], and which that is, [N]."""
    found = [torch.cdist(part, members, compute_mode=_EXACT).min(1) for part in torch.split(samples, AT_ONCE)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])
