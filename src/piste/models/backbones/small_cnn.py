"""A small convolutional network for small images."""

from collections import OrderedDict
from typing import final

from torch import Tensor, nn


@final
class SmallCNN(nn.Module):
    """Stages of two 3 x 3 convolutions, each normalised; the mean over positions; one linear layer.

    Args:
        outputs: numbers an image.
        channels: of the image.
        width: channels of the first stage; each further stage has twice as many and half the resolution.
        depth: number of stages.
        dropout: share of features left out before the last layer while training.

    Example:
        >>> import torch
        >>> SmallCNN(10, depth=2)(torch.zeros(4, 3, 8, 8)).shape
        torch.Size([4, 10])
    """

    def __init__(
        self, outputs: int, *, channels: int = 3, width: int = 32, depth: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        stages, last = OrderedDict[str, nn.Module](), channels
        for stage in range(depth):
            features = width << stage
            if stage:
                stages[f"pool_{stage}"] = nn.MaxPool2d(2)
            stages[f"stage_{stage}"] = nn.Sequential(_convolution(last, features), _convolution(features, features))
            last = features
        self.features = nn.Sequential(stages)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(last, outputs)

    def forward(self, image: Tensor) -> Tensor:
        """Images [N, channels, H, W] to numbers [N, outputs]."""
        scores: Tensor = self.classifier(self.dropout(self.features(image).mean((2, 3))))
        return scores

    def get_classifier(self) -> nn.Module:
        """The last layer, under the name that timm's networks give it."""
        return self.classifier


def _convolution(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
