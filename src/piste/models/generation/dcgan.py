"""DCGAN: a generator that doubles a small picture until it has the images' size, and a discriminator that halves it.

After Radford et al. 2016, for images of any size that can be halved a few times: 28 x 28 begins as 7 x 7, 64 x 64 as
4 x 4.
"""

from itertools import pairwise
from typing import final

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from piste.models.generation.recipe import Norm

SMALLEST = 4  # rows and columns of the small picture, at least
MOST = 8  # times the width: the most channels


def halvings(height: int, width: int) -> int:
    """How often images of a size are halved.

    Raises:
        ValueError: not once.

    Example:
        >>> halvings(28, 28), halvings(64, 96), halvings(8, 8)
        (2, 4, 1)
    """
    times = 0
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= SMALLEST:
        height, width, times = height // 2, width // 2, times + 1
    if times == 0:
        raise ValueError(
            f"`model.name`: dcgan halves images to at least {SMALLEST} pixels a side, and {width}x{height} can't be "
            "halved; add {resize: {height: 32, width: 32}} to data.prepare, or take mlp"
        )
    return times


@final
class DCGANGenerator(nn.Module):
    """Images of noise.

    Args:
        latent: numbers that an image is made of.
        width: channels before the last doubling.
        shape: channels, height and width of the images.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, rows, columns = shape
        times = halvings(rows, columns)
        widths = [width * min(2**i, MOST) for i in reversed(range(times))]
        small = (rows // 2**times, columns // 2**times)
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, widths[0], small, bias=False)]
        for before, after in pairwise([*widths, channels]):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=after == channels)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(_as_in_the_paper)

    def forward(self, latent: Tensor) -> Tensor:
        """Images [N, C, H, W] from -1, black, to 1, white, of latent numbers [N, L]."""
        images: Tensor = self.layers(latent[:, :, None, None])
        return images


@final
class DCGANDiscriminator(nn.Module):
    """Scores of images, high for what it takes to be real.

    Args:
        width: channels after the first halving.
        norm: of all layers but the first and the last; spectral of all.
        shape: channels, height and width of the images.
    """

    def __init__(self, width: int, norm: Norm, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, rows, columns = shape
        times = halvings(rows, columns)
        widths = [channels, *(width * min(2**i, MOST) for i in range(times))]
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(widths)):
            normed = i > 0 and norm in ("batch", "instance")
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not normed))
            if normed:
                layers.append(nn.BatchNorm2d(after) if norm == "batch" else nn.InstanceNorm2d(after, affine=True))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers.append(nn.Conv2d(widths[-1], 1, (rows // 2**times, columns // 2**times)))
        self.layers = nn.Sequential(*layers)
        self.apply(_as_in_the_paper)
        if norm == "spectral":
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    spectral_norm(layer)

    def forward(self, images: Tensor) -> Tensor:
        """Raw scores [N] of images [N, C, H, W]."""
        scores: Tensor = self.layers(images)
        return scores.flatten()


def _as_in_the_paper(module: nn.Module) -> None:
    """Small normal weights, and scales near 1."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
