"""Points of a known mixture: whether a generator finds all of its modes can be counted."""

import math
from typing import final

import torch
from torch import Tensor

from piste.data.generation.recipe import GaussiansRecipe


def centres(recipe: GaussiansRecipe) -> Tensor:
    """The centres of the modes, [K, 2], the first one at the right.

    Example:
        >>> centres(GaussiansRecipe(modes=8, radius=2.0))[:2]
        tensor([[2.0000, 0.0000],
                [1.4142, 1.4142]])
    """
    angles = torch.arange(recipe.modes) * (2 * math.pi / recipe.modes)
    return recipe.radius * torch.stack([angles.cos(), angles.sin()], 1)


@final
class GaussianPoints:
    """The points of a split; each split has its own, and they are the same in each epoch.

    Args:
        recipe: of the mixture.
        split: train or val.
    """

    def __init__(self, recipe: GaussiansRecipe, split: str) -> None:
        self.split = split
        count = recipe.train if split == "train" else recipe.val
        generator = torch.Generator().manual_seed(2 * recipe.seed + (split == "train"))
        mode = torch.arange(count) % recipe.modes
        self.points = centres(recipe)[mode] + recipe.deviation * torch.randn(count, 2, generator=generator)

    def set_epoch(self, epoch: int) -> None:
        """Points are not augmented."""

    def __len__(self) -> int:
        return len(self.points)

    def real(self, index: int) -> Tensor:
        """A point, float32 [2]."""
        return self.points[index]

    def name(self, index: int) -> str:
        """What a point is called."""
        return f"{self.split}/{index}"
