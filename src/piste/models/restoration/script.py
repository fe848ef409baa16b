"""Networks that restore images, as code."""

from typing import Any

import torch

from piste.data.script.source import source_of
from piste.data.script.text import block, indented
from piste.models.layers import layers_as_code
from piste.models.restoration.critic import build_critic, patch_side
from piste.models.restoration.networks import Residuals, UNet, _conv, _primes, _twice
from piste.models.restoration.recipe import RestorationDiscriminatorRecipe, RestorationModelRecipe

NAMES = {"_conv": "convolution", "_twice": "two_convolutions"}


def restoration_model_as_code(recipe: RestorationModelRecipe, scale: int) -> list[str]:
    """`build_model()`, the network that it builds, and `upscaled` where the data ask for it.

    Args:
        recipe: the `model:` section.
        scale: how many times larger targets are than inputs.
    """
    body: Any = Residuals if recipe.name == "edsr" else UNet
    size = recipe.blocks if recipe.name == "edsr" else recipe.depth
    parts = [source_of(_conv, told="A convolution that keeps an image's size.", settings=NAMES)]
    parts += [source_of(_twice, told="Two of them, each before a ReLU.", settings=NAMES)] if body is UNet else []
    code = [_called(part) for part in parts] + [source_of(body, settings=NAMES)]
    if scale > 1:
        code.append(_UPSCALED.replace("SCALE", str(scale)))
    features = f"{body.__name__}({recipe.width}, {size})"
    return [
        *code,
        _restorer(recipe.width, scale),
        f'def build_model() -> nn.Module:\n    """The network."""\n    return Restorer({features})',
    ]


def _called(function: str) -> str:
    for ours, name in NAMES.items():
        function = function.replace(f"def {ours}(", f"def {name}(")
    return function


def _restorer(width: int, scale: int) -> str:
    """What brings features to the targets' size and adds them to the input."""
    layers = []
    for factor in _primes(scale):
        layers += [f"convolution({width}, {width * factor**2})", f"nn.PixelShuffle({factor})"]
    layers.append(f"convolution({width}, 3)")
    made = f"nn.Sequential({', '.join(layers)})"
    if len(made) > 100:
        made = f"nn.Sequential(\n{indented((f'{layer},' for layer in layers), 3)}\n        )"
    given = "images" if scale == 1 else "upscaled(images)"
    what = "them" if scale == 1 else "what bicubic upscaling makes of them"
    return f'''class Restorer(nn.Module):
    """Features of images, added to {what}: nothing at first."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.last = {made}
        for parameter in self.last[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        """Restores images."""
        return {given} + self.last(self.features(images - 0.5))'''


_UPSCALED = block('''
    def upscaled(images: Tensor) -> Tensor:
        """Images SCALE times as high and as wide by bicubic interpolation."""
        return F.interpolate(images, scale_factor=SCALE, mode="bicubic", antialias=True)
''')


def critic_as_code(recipe: RestorationDiscriminatorRecipe) -> str:
    """`build_discriminator()`: every layer of the discriminator by its call."""
    with torch.random.fork_rng(devices=[]):
        layers = layers_as_code(build_critic(recipe), spectral=True)
    told = f"Scores of patches of {patch_side(recipe.layers)} pixels, high for what it takes to be real."
    head = f'def build_discriminator() -> nn.Module:\n    """{told}"""\n'
    return head + indented(f"return {layers}")
