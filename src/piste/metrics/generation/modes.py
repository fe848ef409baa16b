"""Which modes of a known mixture generated points reach, and how many of them lie in one."""

from typing import NamedTuple

import torch
from torch import Tensor

DEVIATIONS = 3.0  # a point is of high quality within so many deviations of a mode, as in the papers
FEWEST = 0.2  # a mode is covered that has this share of the points that an even deal would give it


class Modes(NamedTuple):
    """What points make of a mixture's modes.

    Args:
        high_quality: share of the points within three deviations of a mode, 0-d.
        covered: share of the modes that are reached, 0-d.
        counts: points of high quality of each mode, int64 [K].
        inside: whether each point is of high quality, bool [N].
    """

    high_quality: Tensor
    covered: Tensor
    counts: Tensor
    inside: Tensor


def judge_modes(points: Tensor, centres: Tensor, deviation: float) -> Modes:
    """Points of high quality, and the modes that they reach.

    A mode counts as covered when it has at least a fifth of the points that it would have if all were dealt evenly,
    so that a stray point covers none.

    Args:
        points: [N, D].
        centres: of the modes, [K, D].
        deviation: standard deviation of a mode.

    Example:
        >>> points = torch.tensor([[0.0], [0.1], [5.0], [9.0]])
        >>> modes = judge_modes(points, torch.tensor([[0.0], [9.0], [20.0]]), deviation=0.1)
        >>> modes.high_quality, modes.covered, modes.counts
        (tensor(0.7500), tensor(0.6667), tensor([2, 1, 0]))
    """
    distance, mode = torch.cdist(points, centres).min(1)
    inside = distance <= DEVIATIONS * deviation
    counts = torch.zeros(len(centres), dtype=torch.long, device=points.device).scatter_add_(0, mode, inside.long())
    covered = counts >= max(1.0, FEWEST * len(points) / len(centres))
    return Modes(inside.float().mean(), covered.float().mean(), counts, inside)


def mode_features(points: Tensor, centres: Tensor, deviation: float) -> Tensor:
    """How near points are to each mode: exp(-d^2 / 2 s^2) with s three deviations, [N, K]; all near 0 away from all.

    In these features a mode that is missing, rare or missed by a little makes a difference; in the plane itself the
    means and covariances of a ring are those of many other sets.
    """
    reach = DEVIATIONS * deviation
    return (-torch.cdist(points, centres).square() / (2 * reach**2)).exp()
