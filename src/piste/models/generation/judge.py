"""The network in whose features generated images are compared with real ones: a small classifier."""

from typing import final

from torch import Tensor, nn

FEATURES = 64


@final
class Judge(nn.Module):
    """A small convolutional classifier of images of any size from 8 x 8 on.

    Args:
        channels: of the images.
        classes: how many it tells apart.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((channels, 32, 2), (32, 64, 2), (64, FEATURES, 1)):
            layers += [nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after)]
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)
        self.classify = nn.Linear(FEATURES, classes)

    def features(self, images: Tensor) -> Tensor:
        """What it sees in images [N, C, H, W]: [N, 64], each the mean of a map."""
        maps: Tensor = self.layers(images)
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Scores of the classes, [N, classes]."""
        scores: Tensor = self.classify(self.features(images))
        return scores
