"""A seventh task in one file: where the middle of a disc is."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.recipe import SegmentationDataRecipe
from piste.data.segmentation import SegmentationData, open_segmentation
from piste.losses.spec import suit
from piste.metrics.names import Metric, file_metrics
from piste.models.backbones.build import build_backbone, check_backbone
from piste.models.backbones.recipe import BackboneRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, EpochOrder, Examined, Prediction, Shown, Task

suit("keypoint", "squared_error", "absolute_error", "huber")
file_metrics({"distance_error": Metric("Distance", smaller_is_better=True, share=False, meaning="in shares of a side")})


@final
class KeypointTask(Task):
    """Finds the middle of what is not background, in shares of the image's sides."""

    summary: ClassVar[str] = "an image gets the place of one point"
    sections: ClassVar = {"data": SegmentationDataRecipe, "model": BackboneRecipe}
    default_metric: ClassVar[str] = "distance_error"

    def __init__(self, data: SegmentationData, backbone: BackboneRecipe, loss: Mapping[str, Any], seed: int) -> None:
        self.data, self.data_recipe, self.backbone, self.loss, self.seed = data, data.recipe, backbone, loss, seed

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        check_backbone(sections["model"])
        resolved = resolve(
            loss, task=cls.name, activation="softmax", class_names=["x", "y"], metrics=["distance_error"]
        )
        return cls(open_segmentation(sections["data"]), sections["model"], resolved, seed)

    @property
    def metric_names(self) -> Sequence[str]:
        return ["distance_error"]

    @property
    def splits(self) -> Sequence[str]:
        return tuple(self.data.splits)

    def model(self) -> nn.Module:
        return build_backbone(self.backbone, 2)

    def objective(self) -> Objective:
        return build(self.loss, activation="softmax")

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        dataset = self.data.dataset(split, train=train, seed=self.seed)
        order = EpochOrder(len(dataset), self.seed) if train else None
        return DataLoader(dataset, batch_size, sampler=order, num_workers=workers, collate_fn=self.data.collate())

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        disc = (batch["target"] == 1).float()
        sides = [torch.linspace(0, 1, n, device=disc.device) for n in disc.shape[1:]]
        along = [(disc.sum(2) * sides[0]).sum(1), (disc.sum(1) * sides[1]).sum(1)]
        middle = torch.stack(along, 1) / disc.sum((1, 2)).unsqueeze(1).clamp(min=1)
        return Batch(model(batch["image"]).float(), middle, None, torch.tensor(middle.numel(), device=disc.device))

    def names(self, batch: Any) -> Sequence[str]:
        names: Sequence[str] = batch["name"]
        return names

    def scores(self) -> "Distances":
        return Distances()

    @torch.no_grad()
    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        model.eval()
        seen = [(self.names(batch), self.forward(model, batch)) for batch in batches]
        far = torch.cat([distance(output) for _, output in seen]).tolist()
        names = [name for each, _ in seen for name in each]
        order = sorted(range(len(far)), key=lambda i: -far[i])
        wall = [
            Shown(names[i], -far[i], {"image": self.data.raw(split, i)[0]}, note=f"{far[i]:.2f} off") for i in order
        ]
        return Examined(
            scores={"default": {"distance_error": sum(far) / len(far)}},
            story=f"missed the middle by {sum(far) / len(far):.2f} of a side",
            figures=[
                {
                    "kind": "bars",
                    "title": "Distance",
                    "lede": "",
                    "names": [names[i] for i in order],
                    "unit": "number",
                    "series": [{"name": "off", "values": [far[i] for i in order]}],
                }
            ],
            wall=wall,
            samples=[{"name": names[i], "score": -far[i]} for i in order],
        )

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        item, _ = self.data.read(path)
        down, right = model(item["image"][None])[0].tolist()
        return Prediction({"down": down, "right": right})

    def snapshot(self, model: nn.Module) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        return self.data.raw("val", 0)[0]


def distance(output: Batch) -> Tensor:
    """How far each prediction lies from the truth."""
    prediction: Tensor = output.prediction
    return (prediction - output.target).norm(dim=1)


class Distances:
    """The mean distance."""

    def __init__(self) -> None:
        self.found: list[Tensor] = []

    def update(self, output: Batch) -> None:
        self.found.append(distance(output))

    def compute(self) -> dict[str, float]:
        return {"distance_error": float(torch.cat(self.found).mean())}
