"""Layers as the calls that build them."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

SAME = {"stride": (1, 1), "padding": (0, 0), "bias": True, "inplace": False, "affine": False}
"""What layers are built with if nothing is said."""


def layers_as_code(layers: Iterable[nn.Module], *, spectral: bool = False) -> str:
    """The call that builds a chain of layers, one a line.

    Args:
        layers: of the chain.
        spectral: whether the spectral norm of weights is said here, too.

    Example:
        >>> print(layers_as_code([nn.Linear(2, 8), nn.ReLU(inplace=True)]))
        nn.Sequential(
            nn.Linear(2, 8),
            nn.ReLU(inplace=True),
        )
    """
    lines = "".join(f"    {layer_as_code(layer, spectral=spectral)},\n" for layer in layers)
    return f"nn.Sequential(\n{lines})"


def layer_as_code(layer: Any, *, spectral: bool = False) -> str:
    """The call that builds a layer; whether its weights have a spectral norm is said where that is asked for.

    Raises:
        ValueError: layers of this kind are not known here.
    """
    given: list[Any] = []
    named: dict[str, Any] = {}
    match layer:
        case nn.Linear():
            given, named = [layer.in_features, layer.out_features], {"bias": layer.bias is not None}
        case nn.Conv2d() | nn.ConvTranspose2d():
            given = [layer.in_channels, layer.out_channels, _side(layer.kernel_size)]
            named = {"stride": layer.stride, "padding": layer.padding, "bias": layer.bias is not None}
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            given = [layer.num_features]
        case nn.InstanceNorm2d():
            given, named = [layer.num_features], {"affine": layer.affine}
        case nn.LeakyReLU():
            given, named = [layer.negative_slope], {"inplace": layer.inplace}
        case nn.ReLU():
            named = {"inplace": layer.inplace}
        case nn.Tanh() | nn.Flatten():
            pass
        case _:
            raise ValueError(f"a script can't build {type(layer).__name__}")
    said = {key: value for key, value in named.items() if value != SAME[key]}
    arguments = [*map(str, given), *(f"{key}={_side(value)}" for key, value in said.items())]
    kind = next(each.__name__ for each in type(layer).__mro__ if each.__module__.startswith("torch.nn.modules"))
    call = f"nn.{kind}({', '.join(arguments)})"
    return f"spectral_norm({call})" if spectral and is_parametrized(layer) else call


def _side(value: Any) -> Any:
    """One number for what is alike in all directions."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
