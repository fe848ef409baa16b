"""A discriminator of patches: it asks of each part of an image whether it is real."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from piste.models.restoration.recipe import RestorationDiscriminatorRecipe

WIDEST = 8


def build_critic(recipe: RestorationDiscriminatorRecipe) -> nn.Sequential:
    """A network that maps images [N, 3, H, W] to raw scores of patches, [N, 1, h, w] (PatchGAN, Isola et al. 2017).

    Random weights come from torch's random state at the call.

    Args:
        recipe: the `discriminator:` section of a recipe.
    """
    widths = [recipe.width * min(2**layer, WIDEST) for layer in range(recipe.layers + 1)]
    parts: list[nn.Module] = []
    before = 3
    for layer, after in enumerate(widths):
        conv = nn.Conv2d(before, after, 4, stride=1 if layer == recipe.layers else 2, padding=1)
        parts.append(spectral_norm(conv) if recipe.norm == "spectral" else conv)
        if recipe.norm == "instance" and layer:
            parts.append(nn.InstanceNorm2d(after, affine=True))
        parts.append(nn.LeakyReLU(0.2))
        before = after
    last = nn.Conv2d(before, 1, 4, padding=1)
    parts.append(spectral_norm(last) if recipe.norm == "spectral" else last)
    return nn.Sequential(*parts)


def patch_side(layers: int) -> int:
    """The side in pixels of the patch that one score sees.

    >>> [patch_side(layers) for layers in (1, 2, 3)]
    [16, 34, 70]
    """
    side = 1
    for stride in (1, 1, *[2] * layers):  # from the last layer back to the first
        side = (side - 1) * stride + 4
    return side


def least_side(layers: int) -> int:
    """The smallest side in pixels of an image that is scored at all."""
    side = 1
    for stride in (1, 1, *[2] * layers):
        side = (side - 1) * stride + 4 - 2
    return side
