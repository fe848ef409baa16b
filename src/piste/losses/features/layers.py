"""Images as layers of a frozen network see them."""

import copy
import importlib
from collections.abc import Sequence
from math import inf
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, Literal, final, get_args

import torch
from torch import Tensor, fx, nn

from piste.losses.arguments import one_of
from piste.losses.features.untrained import untrained

File = str | PathLike[str]
VGG = Literal["vgg11", "vgg13", "vgg16", "vgg19"]
"""Networks of torchvision's that losses know by name."""

RANDOM = "random"
"""What stands for a file of weights where nobody trained the network."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@final
class Layers(nn.Module):
    """The outputs of some layers of a network, of a copy that never trains.

    The copy is traced (`torch.fx`) and cut behind the last layer. It stays in eval mode, its weights are buffers that
    move with the loss and are no part of its state, and nothing in it works in place, so that a layer's output is what
    the layer gave. It runs in the images' precision, under autocast too.

    Args:
        network: Any network that `torch.fx` can trace: one without branches that depend on the images.
        names: Layers by their dotted names, as in `network.named_modules()`; one that is called several times counts
            with its last call.
        mean: Per channel, what is subtracted from an image.
        std: Per channel, what it is then divided by.

    Raises:
        ValueError: There is no such layer, or the network cannot be traced.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.mean, self.std = mean, std
        tensors = [*network.parameters(), *network.buffers()]
        network = copy.deepcopy(network, {id(tensor): tensor for tensor in tensors}).eval()  # all but the weights
        for module in network.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]
        self.graph = _frozen(fx.GraphModule(network, _cut(network, names))).eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the network as far as it is needed.

        Raises:
            ValueError: The images have another number of channels than `mean` and `std`.
        """
        if images.shape[1] != len(self.mean):
            raise ValueError(
                f"`prediction` must have {len(self.mean)} channels, as many as `mean` and `std`; got "
                f"{list(images.shape)}. Grey images become color by image.expand(-1, 3, -1, -1)."
            )
        channels = zip(images.unbind(1), self.mean, self.std, strict=True)
        images = torch.stack([(channel - mean) / std for channel, mean, std in channels], 1)
        weights = {name: w.to(images.dtype) for name, w in self.graph.named_buffers() if w.is_floating_point()}
        with torch.autocast(images.device.type, enabled=False):
            outputs: tuple[Tensor, ...] = torch.func.functional_call(self.graph, weights, (images,))
        return outputs

    def train(self, mode: bool = True) -> "Layers":
        """Stay in eval mode, whatever is asked."""
        return super().train(False)


class _Watching(fx.Tracer):
    """Notes where each module's output stands in the graph."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, fx.Node] = {}

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        output = super().call_module(m, forward, args, kwargs)
        if isinstance(output, fx.Proxy):
            self.outputs[self.path_of_module(m)] = output.node
        return output


def _cut(network: nn.Module, names: Sequence[str]) -> fx.Graph:
    """The part of a network's graph that leads to some layers, which it returns."""
    watching = _Watching()
    try:
        graph = watching.trace(network)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"`network` must be one that torch.fx can trace; {type(network).__name__}: {reason}"
        ) from error
    for name in names:
        if name not in watching.outputs:
            known = ", ".join(list(watching.outputs)[:8])
            raise ValueError(f"`layers` must be names of the network's modules, such as {known}; got {name!r}.")
    graph.erase_node(graph.output_node())
    graph.output(tuple(watching.outputs[name] for name in names))
    for node in reversed(graph.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    return graph


def _frozen(network: fx.GraphModule) -> fx.GraphModule:
    """The network with buffers for parameters, none of them part of its state."""
    for module in network.modules():
        weights = {**module._parameters, **module._buffers}
        for name, weight in weights.items():
            if weight is not None:
                delattr(module, name)
                module.register_buffer(name, weight.detach().clone(), persistent=False)
    return network


def network_of(network: str | nn.Module, weights: File | None) -> nn.Module:
    """The network as it is given, or one of torchvision's VGGs by its name.

    Args:
        network: What the user gave.
        weights: For a network by name: a file, None for the one in torch.hub's cache, or "random".

    Raises:
        ValueError: It is neither, or weights come with a network that has its own.
    """
    if isinstance(network, nn.Module):
        if weights is not None:
            raise ValueError(f"`weights` goes with a network by name; load them into the network; got {weights!r}.")
        return network
    one_of("network", network, get_args(VGG))
    return untrained(network) if weights == RANDOM else pretrained(network, weights)


def pretrained(name: str, weights: File | None) -> nn.Module:
    """A network of torchvision's with its weights for ImageNet, from a file: nothing is downloaded.

    Args:
        name: As torchvision calls it.
        weights: File with its state_dict; None for where torch.hub keeps what torchvision downloads.

    Raises:
        ValueError: torchvision or the file is missing, or the file holds something else.
    """
    try:
        models = importlib.import_module("torchvision.models")
    except ImportError as error:
        raise ValueError(f"`network` {name!r} is torchvision's: install torchvision, or give a network.") from error
    url = models.get_model_weights(name)["IMAGENET1K_V1"].url
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2] if weights is None else Path(weights)
    if not file.is_file():
        raise ValueError(
            f"`weights` must be a file with torchvision's weights of {name}, and there is no {file}. Nothing is "
            f"downloaded here: fetch {url} and put it there, or say where it is by weights=."
            + (f" weights={RANDOM!r} does without, by a network that never learned." if name in get_args(VGG) else "")
        )
    with torch.device("meta"):  # no memory, and no random numbers, for weights that are replaced
        network: nn.Module = models.get_model(name, weights=None)
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True), assign=True)
    except Exception as error:
        raise ValueError(f"`weights` must be a file with torchvision's weights of {name}; {file} is not.") from error
    return network


def file_or_none(name: str, value: File | None) -> File | None:
    """A path, or None."""
    if value is not None and not isinstance(value, str | PathLike):
        raise ValueError(f"`{name}` must be the path of a file, or None; got {value!r}.")
    return value


def names_of_layers(value: Sequence[str]) -> Sequence[str]:
    """Names of layers, one or more."""
    fits = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not fits or not all(isinstance(each, str) for each in value):
        raise ValueError(f"`layers` must be a list of dotted names, as in network.named_modules(); got {value!r}.")
    return value


def numbers(name: str, value: Sequence[float], each: str, *, above: float = -inf) -> Sequence[float]:
    """A list of finite numbers, one per channel or layer."""
    fits = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not fits or not all(isinstance(x, Real) and above < x < inf for x in value):
        bound = "" if above == -inf else f" > {above:g}"
        raise ValueError(f"`{name}` must be a list of numbers{bound}, one per {each}; got {value!r}.")
    return value
