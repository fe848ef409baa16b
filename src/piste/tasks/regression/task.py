"""The task of regression."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.picture_data import check_pictures
from piste.data.picture_dataset import PictureDataset, collate_pictures
from piste.data.problems import Problem
from piste.data.regression.opened import RegressionData, open_regression
from piste.data.regression.recipe import RegressionDataRecipe
from piste.data.section import Statistics
from piste.metrics.regression import RegressionScores, middle_of, regression_metric_names
from piste.models.backbones.build import build_backbone, check_backbone, check_input
from piste.models.backbones.recipe import RegressionModelRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, Deployed, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.augmented import augmented_pictures
from piste.tasks.base.examined import Pixels
from piste.tasks.base.loading import loader_of
from piste.tasks.regression.pictures import grid
from piste.tasks.regression.quantiles import refuse_other_losses, with_shares

SHOWN = 18  # images in a snapshot


@final
class RegressionTask(Task):
    """Ties images with numbers, a backbone, losses of values and the errors in the data's unit together.

    The model answers in standardised values, [N, V], where the data section standardises; of several quantiles in
    [N, V, Q], and the target is repeated for each.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.

    Raises:
        ValueError: a loss does not fit the quantiles.
    """

    summary: ClassVar[str] = "an image gets one or several numbers"
    sections: ClassVar = {"data": RegressionDataRecipe, "model": RegressionModelRecipe}
    default_metric: ClassVar[str] = "r2"
    key_metrics: ClassVar = ("mae", "rmse", "r2", "interval_coverage", "interval_width")

    def __init__(
        self, data: RegressionData, model_recipe: RegressionModelRecipe, loss: Mapping[str, Any], seed: int
    ) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.quantiles = model_recipe.quantiles
        self.loss = loss
        self.seed = seed
        refuse_other_losses(self.objective(), self.quantiles)

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        model: RegressionModelRecipe = sections["model"]
        check_backbone(model)
        data = open_regression(sections["data"])
        resolved = resolve(
            with_shares(loss, model.quantiles),
            task=cls.name,
            activation="softmax",  # no loss of values reads scores
            class_names=(),
            metrics=regression_metric_names(data.value_names, model.quantiles),
        )
        task = cls(data, model, resolved, seed)
        shapes = {
            tuple(task.dataset(split, train=split == "train")[0]["image"].shape[1:]) for split in ("train", "val")
        }
        check_input(model, sorted((height, width) for height, width in shapes))
        return task

    @property
    def metric_names(self) -> Sequence[str]:
        """R² and errors; of quantiles, coverage and width of the interval; of several values, each of them, too."""
        return regression_metric_names(self.data.value_names, self.quantiles)

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return tuple(self.data.values)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        return build_backbone(self.model_recipe, len(self.data.value_names) * len(self.quantiles or (0.5,)))

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation="softmax")

    def dataset(self, split: str, *, train: bool) -> PictureDataset:
        """The images of a split with their standardised numbers."""
        targets, channels = self.data.targets(split), self.model_recipe.channels
        return self.data.pictures.dataset(split, targets, train=train, seed=self.seed, channels=channels)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split; see `loader_of`."""
        dataset, seed = self.dataset(split, train=train), self.seed if train else None
        return loader_of(dataset, collate_pictures, seed=seed, workers=workers, batch_size=batch_size)

    def answer(self, model: nn.Module, images: Tensor) -> Tensor:
        """Standardised numbers for images: [N, V], or [N, V, Q] of several quantiles."""
        numbers: Tensor = model(images).float()
        return numbers if self.quantiles is None else numbers.view(len(numbers), -1, len(self.quantiles))

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass."""
        prediction, target = self.answer(model, batch["image"]), batch["target"]
        if self.quantiles is not None:
            target = target.unsqueeze(2).expand_as(prediction)
        return Batch(prediction, target, None, torch.tensor(target.numel(), device=target.device))

    def names(self, batch: Any) -> Sequence[str]:
        """What the images are called."""
        names: Sequence[str] = batch["name"]
        return names

    def scores(self) -> "TaskScores":
        """Empty scores."""
        return TaskScores(self)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """Errors, what was said over what is so, coverage, and pictures: the largest errors first."""
        from piste.tasks.regression.examination import examine

        return examine(self, model, split, batches)

    def exported(self, model: nn.Module) -> Exported:
        """The network from images to numbers in their own units."""
        normalize, (height, width) = self.data.recipe.normalize, self.dataset("val", train=False)[0]["image"].shape[1:]
        assert isinstance(normalize, Statistics), "open_regression puts numbers here"
        several = self.quantiles is not None
        return Exported(
            Deployed(model, normalize, self._in_units, self.model_recipe.channels),
            torch.rand(2, 3, height, width),
            takes=f"RGB images, float32 [N, 3, {height}, {width}], 0 … 1",
            gives=f"numbers in their own units, float32 [N, values{', quantiles' if several else ''}]",
            input="image",
            output="values",
            free={0: 1},
            facts={"values": list(self.data.value_names), "quantiles": self.quantiles and list(self.quantiles)},
        )

    def scripted(self) -> Scripted:
        """Images with numbers, a network of timm's or a small one, and how far its answers are off."""
        from piste.tasks.regression.scripted import scripted

        return scripted(self)

    def _in_units(self, numbers: Tensor) -> Tensor:
        """What the network gives, [N, V] or [N, V * Q], in the values' units; the quantiles in order."""
        if self.quantiles is None:
            return self.data.in_units(numbers)
        return self.data.in_units(numbers.view(-1, len(self.data.value_names), len(self.quantiles))).sort(2).values

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """The numbers of an image file, by name; of several quantiles each by its share."""
        image = self.data.pictures.read(path)
        seen = self.dataset("val", train=False).normalized(image)[None].to(next(model.parameters()).device)
        numbers = self.data.in_units(self.answer(model, seen))[0].cpu()
        names = self.data.value_names
        if self.quantiles is None:
            return Prediction(dict(zip(names, numbers.tolist(), strict=True)))
        rows = numbers.sort(1).values.tolist()
        shares = [f"{share:g}" for share in self.quantiles]
        return Prediction({name: dict(zip(shares, row, strict=True)) for name, row in zip(names, rows, strict=True)})

    @torch.no_grad()
    def snapshot(self, model: nn.Module) -> Pixels | None:
        """Some validation images with what is true and what was said of them."""
        dataset = self.dataset("val", train=False)
        places = list(range(0, len(dataset), max(len(dataset) // SHOWN, 1)))[:SHOWN]
        images = torch.stack([dataset[place]["image"] for place in places])
        said = self.data.in_units(self.answer(model, images.to(next(model.parameters()).device))).cpu()
        if self.quantiles is not None:
            said = said[:, :, middle_of(self.quantiles)]
        shown = [self.data.pictures.shown("val", place) for place in places]
        return grid(shown, said[:, 0].tolist(), self.data.values["val"][places, 0].tolist(), float(self.data.spread[0]))

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training images as they are and as augmentation shows them."""
        return augmented_pictures(self.dataset("train", train=True))

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """What keeps the data from being used, or else every image that can't be decoded."""
        return check_pictures(lambda: open_regression(data.resolved(cache=False, normalize="imagenet")).pictures)

    def overview(self) -> list[dict[str, str]]:
        """Images, and the range and mean of each value, split by split."""
        rows = []
        for split, values in self.data.values.items():
            row = {"split": split, "images": str(len(values))}
            for name, column in zip(self.data.value_names, values.T, strict=True):
                row |= {name: f"{column.min():.4g} … {column.max():.4g}", f"mean {name}": f"{column.mean():.4g}"}
            rows.append(row)
        return rows

    def facts(self) -> dict[str, Any]:
        """The values' names and the quantiles."""
        return {"values": list(self.data.value_names), "quantiles": self.quantiles}


class TaskScores:
    """Scores of numbers over the batches of a split.

    Args:
        task: says how its forward passes are read.
    """

    def __init__(self, task: RegressionTask) -> None:
        self.task = task
        self.numbers = RegressionScores(task.data.value_names, task.quantiles)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        target = output.target if self.task.quantiles is None else output.target[:, :, 0]
        self.numbers.update(self.task.data.in_units(output.prediction), self.task.data.in_units(target))

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.numbers.compute()
