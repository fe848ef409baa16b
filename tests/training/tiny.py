"""A segmentation task of blobs, small enough to be trained in a second; also used by the processes that tests kill."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from piste.losses import CrossEntropy
from piste.objective import Objective
from piste.tasks.base import Batch, Trainable
from piste.training.events import Event, read_events
from piste.training.settings import TrainingRecipe

IGNORE = 255
SIZES = {"train": 11, "val": 5}


class Blobs(Dataset[dict[str, Any]]):
    """Noise with a brighter rectangle; training images get new noise in each epoch, from (epoch, index) alone."""

    def __init__(self, split: str, *, train: bool) -> None:
        self.split = split
        self.train = train
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # reaches the workers

    def set_epoch(self, epoch: int) -> None:
        self.epoch.fill_(epoch)

    def __len__(self) -> int:
        return SIZES[self.split]

    def __getitem__(self, index: int) -> dict[str, Any]:
        place = torch.Generator().manual_seed(index + 1000 * (self.split == "val"))
        top, left = torch.randint(0, 8, (2,), generator=place).tolist()
        target = torch.zeros(13, 11, dtype=torch.int64)
        target[top : top + 5, left : left + 4] = 1
        target[0, : index + 1] = IGNORE  # so that images count differently
        noise = torch.Generator().manual_seed(index + 100 * (int(self.epoch) if self.train else 0))
        image = torch.randn(3, 13, 11, generator=noise) + target.clamp(max=1)
        return {"image": image, "target": target, "name": f"{self.split}_{index}"}


class Net(nn.Sequential):
    """Normalisation has buffers, dropout needs random numbers: what a resume could forget."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(6, 2, 1)
        )


class TinyScores:
    def __init__(self) -> None:
        self.counts = torch.zeros(3)

    def update(self, output: Batch) -> None:
        counts = output.target != IGNORE
        found, true = output.prediction.argmax(1) == 1, output.target == 1
        self.counts += torch.stack([(found & true).sum(), (found & counts).sum(), true.sum()]).cpu()

    def compute(self) -> Mapping[str, float]:
        hit, found, true = self.counts.tolist()
        return {
            "iou": hit / (found + true - hit),
            "recall": hit / true,
            "precision": hit / found if found else float("nan"),
        }


class TinyTask(Trainable):
    """What the loop asks for and no more; tests override what they are about."""

    metric_names: Sequence[str] = ("iou", "recall", "precision")
    default_metric = "iou"

    def __init__(self, loss: Any = None, seed: int = 0) -> None:
        self.loss = loss
        self.seed = seed

    def model(self) -> nn.Module:
        return Net()

    def objective(self) -> Objective:
        return Objective(CrossEntropy(ignore_index=IGNORE) if self.loss is None else self.loss)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        data = Blobs(split, train=train)
        sampler = DistributedSampler(data, num_replicas=1, rank=0, shuffle=True, seed=self.seed) if train else None
        return DataLoader(data, batch_size, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        target: Tensor = batch["target"]
        return Batch(model(batch["image"]), target, None, (target != IGNORE).sum())

    def names(self, batch: Any) -> Sequence[str]:
        names: Sequence[str] = batch["name"]
        return names

    def scores(self) -> TinyScores:
        return TinyScores()


def recipe(**settings: Any) -> TrainingRecipe:
    """Settings for the CPU, without workers."""
    return TrainingRecipe(**{"epochs": 3, "batch_size": 4, "workers": 0, "device": "cpu"} | settings)


def events_of(folder: Path, kind: str | None = None) -> list[Event]:
    """The numbered events of a run, without what the clock says."""
    events = [event for event in read_events(folder / "events.jsonl")[0] if event["n"] is not None]
    return [
        {key: value for key, value in event.items() if key not in ("time", "seconds")}
        for event in events
        if kind is None or event["kind"] == kind
    ]


def notes_of(folder: Path, kind: str) -> list[Event]:
    """The events without a number of one kind."""
    events = read_events(folder / "events.jsonl")[0]
    return [event for event in events if event["n"] is None and event["kind"] == kind]
