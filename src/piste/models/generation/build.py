"""The networks that the sections of a recipe name, for samples of a shape."""

from torch import nn

from piste.models.generation.dcgan import DCGANDiscriminator, DCGANGenerator
from piste.models.generation.mlp import MLPDiscriminator, MLPGenerator, Shape
from piste.models.generation.recipe import GenerationDiscriminatorRecipe, GenerationModelRecipe


def build_generator(recipe: GenerationModelRecipe, shape: Shape) -> nn.Module:
    """A fresh network that makes samples [N, *shape] of latent numbers [N, L].

    Raises:
        ValueError: it can't make samples of that shape.
    """
    if recipe.name == "mlp":
        return MLPGenerator(recipe.latent, recipe.width, recipe.layers or 0, shape)
    return DCGANGenerator(recipe.latent, recipe.width, _image("model", shape))


def build_discriminator(recipe: GenerationDiscriminatorRecipe, shape: Shape) -> nn.Module:
    """A fresh network that scores samples [N, *shape]; asks for a completed section.

    Raises:
        ValueError: it can't look at samples of that shape.
    """
    assert recipe.norm is not None
    if recipe.name == "mlp":
        return MLPDiscriminator(recipe.width, recipe.layers or 0, recipe.norm, shape)
    return DCGANDiscriminator(recipe.width, recipe.norm, _image("discriminator", shape))


def _image(section: str, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"`{section}.name`: dcgan is for images, and these data are points; take mlp")
    channels, height, width = shape
    return channels, height, width
