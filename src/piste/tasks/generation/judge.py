"""The classifier in whose features generated images are compared with real ones, trained when it is first needed.

It learns the images' classes; where they have none, by which quarter turn an image was turned (Gidaris et al. 2018,
arXiv:1803.07728), which asks for nothing but images. It is no Inception network: distances in its features compare
with others on the same data only.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from piste.data.generation.dataset import RealImages
from piste.data.generation.images import GenerationImages
from piste.models.generation.judge import Judge

SEED = 0  # the same judge for every run on the same data, whatever its own seed
MOST = 10_000  # training images that it learns from
STEPS, BATCH, RATE = 320, 64, 2e-3
TURNS = 4


class Trained(NamedTuple):
    """A judge in eval mode, and the share of validation images that it names right."""

    judge: Judge
    accuracy: float


def train_judge(images: GenerationImages) -> Trained:
    """A judge for these images: the same each time, on the CPU; torch's random state stays as it was."""
    train = _stacked(images.reals("train", train=False))
    labels = None if images.labels is None else images.labels["train"][: len(train)]
    classes = TURNS if labels is None else len(images.class_names)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(SEED)
        judge = Judge(images.channels, classes).train()
        optimizer = torch.optim.Adam(judge.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        for places in islice(_places(len(train)), STEPS):
            scores, target = _asked(judge, train[places], None if labels is None else labels[places])
            optimizer.zero_grad()
            F.cross_entropy(scores, target).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    judge.eval().requires_grad_(False)
    val = _stacked(images.reals("val", train=False))
    with torch.no_grad():
        right = [
            scores.argmax(1) == target
            for i, part in enumerate(torch.split(val, BATCH))
            for scores, target in [_asked(judge, part, _labels_of(images, i * BATCH, len(part)))]
        ]
    return Trained(judge, torch.cat(right).float().mean().item())


def _stacked(reals: RealImages) -> Tensor:
    """The first images of a split, every so many where there are more than are needed."""
    return torch.stack([reals.real(i) for i in range(min(len(reals), MOST))])


def _labels_of(images: GenerationImages, start: int, count: int) -> Tensor | None:
    return None if images.labels is None else images.labels["val"][start : start + count]


def _places(count: int) -> Iterator[Tensor]:
    """Batches of places, in a new order each time all have been."""
    while True:
        yield from torch.split(torch.randperm(count), BATCH)


def _asked(judge: nn.Module, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """The judge's scores, and what is right: the labels, or how far each image was turned."""
    if labels is not None:
        return judge(images), labels
    turned = [torch.rot90(part, turn, (2, 3)) for turn, part in enumerate(images.tensor_split(TURNS))]
    if images.shape[2] == images.shape[3]:
        scores = judge(torch.cat(turned))
    else:
        scores = torch.cat([judge(each) for each in turned])
    return scores, torch.cat([torch.full((len(each),), turn) for turn, each in enumerate(turned)])
