"""The pair of networks as code: every layer of theirs by its call, in small classes."""

from textwrap import indent

import torch
from torch import nn

from piste.data.script.text import block
from piste.models.generation.build import build_discriminator, build_generator
from piste.models.generation.mlp import Shape
from piste.models.generation.recipe import GenerationDiscriminatorRecipe, GenerationModelRecipe
from piste.models.layers import layers_as_code


def pair_as_code(model: GenerationModelRecipe, discriminator: GenerationDiscriminatorRecipe, shape: Shape) -> list[str]:
    """`build_model()` and `build_discriminator()` with their classes.

    Args:
        model: the `model:` section.
        discriminator: the `discriminator:` section, completed.
        shape: of a sample.
    """
    with torch.random.fork_rng(devices=[]):
        makes, tells = build_generator(model, shape), build_discriminator(discriminator, shape)
    made = "images" if len(shape) == 3 else "points"
    forward = "self.layers(noise[:, :, None, None])"
    if model.name == "mlp":
        forward = "self.layers(noise)"
        forward += f".view(-1, {', '.join(map(str, shape))})" if len(shape) > 1 else ""
    as_in_the_paper = "self.apply(small_normal)" if model.name == "dcgan" else ""
    code = [_SMALL_NORMAL] if "dcgan" in (model.name, discriminator.name) else []
    code += [
        _class("Generator", f"{made.capitalize()} made of noise.", makes, [as_in_the_paper], "noise", forward),
        _class(
            "Discriminator",
            f"Scores of {made}, high for what it takes to be real.",
            tells,
            [
                "self.apply(small_normal)" if discriminator.name == "dcgan" else "",
                _spectral(discriminator) if discriminator.norm == "spectral" else "",
            ],
            made,
            f"self.layers({made}).flatten()",
        ),
        'def build_model() -> nn.Module:\n    """The network that makes samples."""\n    return Generator()',
        'def build_discriminator() -> nn.Module:\n    """The network that tells them from real ones."""\n'
        "    return Discriminator()",
    ]
    return [block(each) for each in code]


def _class(name: str, told: str, module: nn.Module, after: list[str], takes: str, forward: str) -> str:
    """A class with a chain of layers."""
    layers = module.get_submodule("layers")
    assert isinstance(layers, nn.Sequential)
    lines = [f"self.layers = {layers_as_code(layers)}", *(each for each in after if each)]
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            f'    """{told}"""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
            indent("\n".join(lines), "        "),
            "",
            f"    def forward(self, {takes}: Tensor) -> Tensor:",
            f"        return {forward}",
        ]
    )


def _spectral(recipe: GenerationDiscriminatorRecipe) -> str:
    kind = "Conv2d" if recipe.name == "dcgan" else "Linear"
    return f"for layer in self.layers:\n    if isinstance(layer, nn.{kind}):\n        spectral_norm(layer)"


_SMALL_NORMAL = '''
    def small_normal(module: nn.Module) -> None:
        """Small normal weights, and scales near 1, as in DCGAN's paper."""
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
'''
