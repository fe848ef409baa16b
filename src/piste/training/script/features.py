"""Losses of what a network sees in images, as code: a VGG of torchvision's, whose layers are compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piste.data.script.text import block, literal
from piste.losses import spec_of
from piste.losses.features.layers import RANDOM
from piste.losses.features.untrained import SEED

if TYPE_CHECKING:
    from piste.training.script.losses import Losses

OUTPUTS = '''
    def outputs(network: nn.Sequential, chosen: Sequence[int], images: Tensor) -> list[Tensor]:
        """What some layers of a network make of images."""
        found = []
        for i, layer in enumerate(network[: max(chosen) + 1]):
            images = layer(images)
            if i in chosen:
                found.append(images)
        return found
'''

GRAM = '''
    def gram(layer: Tensor) -> Tensor:
        """The products of each two channels, [N, C, C]."""
        rows = layer.flatten(2)
        return rows @ rows.mT / rows[0].numel()
'''

DRAWN = f'''
    () -> nn.Sequential:
        """The layers of KIND with random weights, always the same; they do not learn."""
        with torch.device("meta"):  # no random number of the training is drawn
            layers = torchvision.models.KIND().features
        generator = torch.Generator().manual_seed({SEED})
        for layer in layers.to_empty(device="cpu"):
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        return layers.eval().requires_grad_(False).to(DEVICE)
'''

LOADED = '''
    () -> nn.Sequential:
        """The layers of KIND with TOLD; they do not learn."""
        with torch.device("meta"):  # no random number of the training is drawn
            network = torchvision.models.KIND()
        network.load_state_dict(WEIGHTS, assign=True)
        for layer in network.features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        return network.features.eval().requires_grad_(False).to(DEVICE)
'''


def of_layers(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that compares layers by the squared distance of their outputs."""
    price = "(x - y).square().mean()"
    if loss.layer_weights is None:
        return _compared(losses, loss, f"sum({price} for x, y in zip(a, b, strict=True))")
    return _compared(
        losses, loss, f"sum(w * {price} for w, x, y in zip({list(loss.layer_weights)}, a, b, strict=True))"
    )


def of_styles(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss that compares which channels of layers go together."""
    losses.add("gram", block(GRAM))
    price = "(gram(x) - gram(y)).square().sum((1, 2)).mean()"
    return _compared(losses, loss, f"sum({price} for x, y in zip(a, b, strict=True))")


def _compared(losses: Losses, loss: Any, cost: str) -> str:
    """Lines that set `a` and `b` to what the network's layers make of prediction and target, and return their cost."""
    network, places = _network(losses, loss)
    losses.add("outputs", block(OUTPUTS))
    lines = [
        f"mean = torch.tensor({list(loss.mean)}, device=prediction.device).view(-1, 1, 1)",
        f"std = torch.tensor({list(loss.std)}, device=prediction.device).view(-1, 1, 1)",
        f"a, b = (outputs({network}(), {places}, (images - mean) / std) for images in (prediction, target))",
        f"return {cost}",
    ]
    return "\n".join(lines)


def _network(losses: Losses, loss: Any) -> tuple[str, list[int]]:
    """The name of the function that returns the network's layers, and which of them are looked at.

    Raises:
        ValueError: it is a network of one's own, or another part of one is looked at.
    """
    places = [re.fullmatch(r"features\.(\d+)", name) for name in loss.layers]
    if not isinstance(loss.network, str) or not all(places):
        known = "it can hold that of layers features.N of a VGG"
        raise ValueError(f"`loss`: a script can't hold {spec_of(loss).name} of any network; {known}")
    name, code = loss.network, DRAWN
    if loss.weights is None:
        file = f"torchvision.models.{name.upper()}_Weights.IMAGENET1K_V1.get_state_dict()"
        code = LOADED.replace("TOLD", "torchvision's weights for ImageNet").replace("WEIGHTS", file)
    elif loss.weights != RANDOM:
        file = f"torch.load({literal(Path(loss.weights).expanduser().resolve().as_posix())}, weights_only=True)"
        code = LOADED.replace("TOLD", "the weights of a file").replace("WEIGHTS", file)
    called = losses.add_new(name, block(code.replace("KIND", name)), head="@cache\n")
    return called, [int(place[1]) for place in places if place]
