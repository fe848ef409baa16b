"""The networks: an image in, the bicubically upscaled image and a learned difference out."""

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from piste.models.restoration.recipe import RestorationModelRecipe
from piste.models.restoration.upscale import upscaled

GREY = 0.5
WIDEST = 8


def build_restoration_model(recipe: RestorationModelRecipe, scale: int) -> nn.Module:
    """A network that maps images [N, 3, H, W], black 0 and white 1, to [N, 3, scale * H, scale * W] of any size.

    Random weights come from torch's random state at the call; its answers, which are not clipped to 0 … 1, begin as
    bicubic upscaling.

    Args:
        recipe: the `model:` section of a recipe.
        scale: how many times larger targets are than inputs.
    """
    if recipe.name == "edsr":
        assert recipe.blocks is not None
        return Restorer(Residuals(recipe.width, recipe.blocks), recipe.width, scale)
    assert recipe.depth is not None
    return Restorer(UNet(recipe.width, recipe.depth), recipe.width, scale)


@final
class Restorer(nn.Module):
    """Features of an image, shuffled into pixels and added to what bicubic upscaling makes of it.

    Args:
        features: from images [N, 3, H, W] to [N, width, H, W].
        width: number of features.
        scale: how many times larger the answer is.
    """

    def __init__(self, features: nn.Module, width: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.features = features
        growth = [part for factor in _primes(scale) for part in _grow(width, factor)]
        self.last = nn.Sequential(*growth, _conv(width, 3))
        for parameter in self.last[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        """Restore images."""
        answer: Tensor = upscaled(images, self.scale) + self.last(self.features(images - GREY))
        return answer


@final
class Residuals(nn.Module):
    """EDSR's body (Lim et al. 2017, arXiv:1707.02921): residual blocks without normalisation, and a skip over all.

    Args:
        width: number of channels.
        blocks: number of blocks.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.first = _conv(3, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(width, width), nn.ReLU(), _conv(width, width)) for _ in range(blocks)
        )
        self.after = _conv(width, width)

    def forward(self, images: Tensor) -> Tensor:
        """Features at the images' size."""
        first = self.first(images)
        x = first
        for block in self.blocks:
            x = x + block(x)
        features: Tensor = first + self.after(x)
        return features


@final
class UNet(nn.Module):
    """A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) without normalisation, for images of any size.

    Args:
        width: number of channels at the image's size; doubled by each halving, up to eight times.
        depth: how often the image is halved.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * min(2**level, WIDEST) for level in range(depth + 1)]
        self.multiple = 2**depth
        self.down = nn.ModuleList(_twice(before, after) for before, after in pairwise([3, *widths]))
        pairs = list(pairwise(widths))[::-1]
        self.up = nn.ModuleList(_twice(fine + coarse, fine) for fine, coarse in pairs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # nothing else keeps the size of activations from layer to layer
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Features at the images' size; what the halvings lack is filled up with the last row and column."""
        height, width = images.shape[-2:]
        x = F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        kept.pop()
        for block in self.up:
            x = block(torch.cat([kept.pop(), F.interpolate(x, scale_factor=2, mode="nearest")], 1))
        return x[..., :height, :width]


def _conv(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1)


def _twice(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(_conv(before, after), nn.ReLU(), _conv(after, after), nn.ReLU())


def _grow(width: int, factor: int) -> list[nn.Module]:
    return [_conv(width, width * factor**2), nn.PixelShuffle(factor)]


def _primes(number: int) -> list[int]:
    """Prime factors.

    >>> _primes(1), _primes(3), _primes(8)
    ([], [3], [2, 2, 2])
    """
    for factor in range(2, number + 1):
        if number % factor == 0:
            return [factor, *_primes(number // factor)]
    return []
