"""A pair of multi-layer perceptrons, for points and for small images."""

from itertools import pairwise
from math import prod
from typing import final

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from piste.models.generation.recipe import Norm

Shape = tuple[int, ...]
"""Of a sample: two for points; channels, height and width for images."""


@final
class MLPGenerator(nn.Module):
    """Points or images of noise.

    Args:
        latent: numbers that a sample is made of.
        width: units of a hidden layer.
        layers: hidden layers.
        shape: of a sample; images end in a tanh, points may lie anywhere.
    """

    def __init__(self, latent: int, width: int, layers: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        sizes = [latent, *[width] * layers]
        hidden: list[nn.Module] = []
        for before, after in pairwise(sizes):
            hidden += [nn.Linear(before, after), nn.ReLU(inplace=True)]
        end = [nn.Tanh()] if len(shape) == 3 else []
        self.layers = nn.Sequential(*hidden, nn.Linear(width, prod(shape)), *end)

    def forward(self, latent: Tensor) -> Tensor:
        """Samples [N, *shape] of latent numbers [N, L]."""
        samples: Tensor = self.layers(latent)
        return samples.view(-1, *self.shape)


@final
class MLPDiscriminator(nn.Module):
    """Scores of points or images, high for what it takes to be real.

    Args:
        width: units of a hidden layer.
        layers: hidden layers.
        norm: batch, of all hidden layers but the first; spectral, of all weights; or none.
        shape: of a sample.
    """

    def __init__(self, width: int, layers: int, norm: Norm, shape: Shape) -> None:
        super().__init__()
        assert norm != "instance", "its recipe has no instance"
        sizes = [prod(shape), *[width] * layers]
        hidden: list[nn.Module] = [nn.Flatten()]
        for i, (before, after) in enumerate(pairwise(sizes)):
            hidden.append(nn.Linear(before, after))
            if i > 0 and norm == "batch":
                hidden.append(nn.BatchNorm1d(after))
            hidden.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*hidden, nn.Linear(width, 1))
        if norm == "spectral":
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    spectral_norm(layer)

    def forward(self, samples: Tensor) -> Tensor:
        """Raw scores [N] of samples [N, *shape]."""
        scores: Tensor = self.layers(samples)
        return scores.flatten()
