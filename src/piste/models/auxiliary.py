"""Deep supervision: auxiliary outputs of a decoder's coarser stages, which are trained beside its main output."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, final

import torch
from segmentation_models_pytorch.base.initialization import initialize_head
from torch import Tensor, nn

from piste.names import nearest

PROBE = 224  # pixels a side of the image that shows how wide stages are; what most encoders of one size take


class Supervised(NamedTuple):
    """What a network with auxiliary outputs returns while it is trained.

    Args:
        logits: its main output, [N, C, H, W].
        auxiliary: those of coarser stages, the finest first, at the size of the main one.
    """

    logits: Tensor
    auxiliary: tuple[Tensor, ...]


@final
class DeeplySupervised(nn.Module):
    """A segmentation network with a 1x1 convolution on some of its decoder's coarser stages, the finest first.

    In training it returns `Supervised`, in evaluation the logits of the network alone, which is as it was without.

    Args:
        network: of segmentation-models-pytorch.
        name: the architecture, as recipes call it.
        heads: how many stages get one.
        channels: scores a pixel.

    Raises:
        ValueError: the decoder has no stages, or fewer.
    """

    def __init__(self, network: nn.Module, name: str, heads: int, channels: int) -> None:
        super().__init__()
        self.network = network
        self.stages = stages_of(network, name, heads)
        widths = _widths(network, self.stages)
        self.heads = nn.ModuleList(nn.Conv2d(width, channels, kernel_size=1) for width in widths)
        initialize_head(self.heads)

    def forward(self, image: Tensor) -> Tensor | Supervised:
        """The scores of each pixel of images [N, 3, H, W]."""
        logits: Tensor
        if not self.training:
            logits = self.network(image)
            return logits
        logits, seen = _with_stages(self.network, self.stages, image)
        resized = partial(nn.functional.interpolate, size=logits.shape[2:], mode="bilinear", align_corners=False)
        pairs = zip(self.heads, seen, strict=True)
        return Supervised(logits, tuple(resized(head(features)) for head, features in pairs))


def stages_of(network: Any, name: str, number: int) -> list[str]:
    """The names of modules of a network whose outputs are its decoder's coarser stages, the finest first.

    Args:
        network: of segmentation-models-pytorch.
        name: the architecture, as recipes call it.
        number: how many are wanted.

    Raises:
        ValueError: the decoder has no stages, or fewer.
    """
    if name not in STAGES:
        has = f"{name}, whose decoder has no stages from coarse to fine"
        raise ValueError(f"`model.auxiliary` does not apply to {has}; {nearest(name, STAGES, most=len(STAGES))}")
    stages = STAGES[name](network.decoder)
    if number > len(stages):
        raise ValueError(
            f"`model.auxiliary` has a factor for each of {number} coarser stages, and {name} of this depth has"
            f" {len(stages)}; leave out the last"
        )
    return [f"decoder.{stage}" for stage in stages[:number]]


def _blocks(decoder: Any) -> Sequence[str]:
    return [f"blocks.{i}" for i in reversed(range(len(decoder.blocks) - 1))]


STAGES: Mapping[str, Callable[[Any], Sequence[str]]] = {
    "unet": _blocks,
    "unet++": lambda decoder: [f"blocks.x_0_{i}" for i in reversed(range(decoder.depth))],
    "manet": _blocks,
    "linknet": _blocks,
    "fpn": lambda decoder: ["p3", "p4", "p5"],
    "pan": lambda decoder: [name for name in ("gau2", "gau3", "fpa") if name in dict(decoder.named_children())],
    "upernet": lambda decoder: [
        *(f"fpn_conv_blocks.{i}" for i in reversed(range(len(decoder.fpn_conv_blocks) - 1))),
        "psp",
    ],
    "dpt": lambda decoder: [f"fusion_blocks.{i}" for i in reversed(range(len(decoder.fusion_blocks) - 1))],
}
"""The coarser stages of a decoder, the finest first, by architecture."""


def _with_stages(network: nn.Module, stages: Sequence[str], image: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The network's output, and those of some of its modules on the way there."""
    seen: dict[str, Tensor] = {}

    def keep(stage: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        seen[stage] = output

    hooks = [network.get_submodule(stage).register_forward_hook(partial(keep, stage)) for stage in stages]
    try:
        logits = network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return logits, [seen[stage] for stage in stages]


@torch.no_grad()
def _widths(network: nn.Module, stages: Sequence[str]) -> list[int]:
    """The channels of stages; nothing is computed."""
    shapes = copy.deepcopy(network).to("meta").eval()
    _, seen = _with_stages(shapes, stages, torch.empty(1, 3, PROBE, PROBE, device="meta"))
    return [features.shape[1] for features in seen]
