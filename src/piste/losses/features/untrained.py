"""Networks of torchvision's that never saw an image: their weights are random, and always the same."""

import importlib
from collections import OrderedDict

import torch
from torch import nn

SEED = 0


def untrained(name: str) -> nn.Module:
    """The features of one of torchvision's VGGs with random weights, which no file is needed for.

    Each convolution is drawn as torchvision draws it (He et al. 2015), from a generator of its own, so that every run,
    resumed or not, has the same network and no other random number changes. Its classifier is left out.

    Args:
        name: As torchvision calls it.

    Raises:
        ValueError: torchvision is missing.

    Example:
        >>> bool((untrained("vgg11").features[0].weight == untrained("vgg11").features[0].weight).all())
        True
    """
    try:
        models = importlib.import_module("torchvision.models")
    except ImportError as error:
        raise ValueError(f"`network` {name!r} is torchvision's: install torchvision, or give a network.") from error
    with torch.device("meta"):  # no memory for a classifier that nobody looks at
        features = models.get_model(name, weights=None).features
    features.to_empty(device="cpu")
    dice = torch.Generator().manual_seed(SEED)
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=dice)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return nn.Sequential(OrderedDict(features=features))
