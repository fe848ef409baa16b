"""A task of two players, small enough to be trained in a second: a model learns to make points on a circle."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from piste.losses import GradientPenalty, Wasserstein
from piste.models.discriminator import DiscriminatorSection
from piste.objective import Objective
from piste.tasks.base import Batch, EpochOrder, Trainable
from piste.tasks.base.discriminator import Discriminator

SIZES = {"train": 26, "val": 6}


class Circle(Dataset[dict[str, Any]]):
    """Points and the latent numbers that the model makes its own from, which are new in each epoch of training."""

    def __init__(self, split: str, *, train: bool) -> None:
        self.split = split
        self.train = train
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return SIZES[self.split]

    def __getitem__(self, index: int) -> dict[str, Any]:
        angle = torch.tensor(float(index))
        latent = torch.Generator().manual_seed(index + 100 * (self.epoch if self.train else 0))
        return {
            "real": torch.stack([angle.sin(), angle.cos()]),
            "latent": torch.randn(3, generator=latent),
            "name": f"{self.split}_{index}",
        }


class DuelScores:
    def __init__(self) -> None:
        self.radii: list[float] = []

    def update(self, output: Batch) -> None:
        self.radii += output.prediction.norm(dim=1).tolist()

    def compute(self) -> Mapping[str, float]:
        return {"radius_error": sum(abs(radius - 1) for radius in self.radii) / len(self.radii)}


class Duel(Trainable):
    """Dropout in the discriminator needs random numbers, normalisation in the model has buffers."""

    metric_names: Sequence[str] = ("radius_error",)
    default_metric = "radius_error"

    def __init__(self, loss: Any = None, critic: nn.Module | None = None, **section: Any) -> None:
        self.loss = Wasserstein() + GradientPenalty() if loss is None else loss
        self.critic = critic
        self.section = DiscriminatorSection(**section)

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))

    def discriminator(self) -> Discriminator | None:
        own = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
        return Discriminator(self.critic or own, self.section)

    def objective(self) -> Objective:
        return Objective(self.loss)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        data = Circle(split, train=train)
        return DataLoader(data, batch_size, sampler=EpochOrder(len(data), 0) if train else None, num_workers=workers)

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        real = batch["real"]
        counted = torch.tensor(float(len(real)), device=real.device)
        return Batch(model(batch["latent"]).float(), real, None, counted)

    def names(self, batch: Any) -> Sequence[str]:
        names: Sequence[str] = batch["name"]
        return names

    def scores(self) -> DuelScores:
        return DuelScores()
