"""The task of classification."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.classification.opened import ClassificationData, open_classification
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.picture_data import check_pictures
from piste.data.picture_dataset import PictureDataset, collate_pictures
from piste.data.problems import Problem
from piste.data.section import Statistics
from piste.metrics.classification import ClassificationScores, classification_metric_names
from piste.models.backbones.build import build_backbone, check_backbone, check_input, set_prior
from piste.models.backbones.recipe import ClassificationModelRecipe
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, Deployed, Examined, Exported, Prediction, Scripted, Task
from piste.tasks.base.augmented import augmented_pictures
from piste.tasks.base.examined import Pixels
from piste.tasks.base.loading import loader_of
from piste.tasks.classification.pictures import answer_bars, grid

LISTED = 20  # classes that an overview has a column for


@final
class ClassificationTask(Task):
    """Ties labelled images, a backbone, an objective and the scores of labels together.

    With softmax the target is a class, [N]; with sigmoid a label for each class, bool [N, C], which is what images with
    several labels need, and makes of images with one label as many problems of one class against the rest.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.
    """

    summary: ClassVar[str] = "an image gets a class, or several labels"
    sections: ClassVar = {"data": ClassificationDataRecipe, "model": ClassificationModelRecipe}
    default_metric: ClassVar[str] = "f1"
    key_metrics: ClassVar = ("accuracy", "f1", "average_precision", "hamming", "calibration_error")

    def __init__(
        self, data: ClassificationData, model_recipe: ClassificationModelRecipe, loss: Mapping[str, Any], seed: int
    ) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.loss = loss
        self.seed = seed

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        model: ClassificationModelRecipe = sections["model"]
        check_backbone(model)
        if model.prior is not None and model.activation == "softmax":
            raise ValueError("`model.prior` goes with activation: sigmoid; softmax shares one probability out anyway")
        data = open_classification(sections["data"])
        if data.multi_label and model.activation == "softmax":
            raise ValueError(
                "`model.activation` is softmax, which gives an image one class, and these images have several labels or"
                " none (column `labels`): set model.activation=sigmoid"
            )
        resolved = resolve(
            loss,
            task=cls.name,
            activation=model.activation,
            class_names=data.class_names,
            counts=data.counts,
            metrics=classification_metric_names(data.class_names, multi_label=data.multi_label),
        )
        task = cls(data, model, resolved, seed)
        shapes = {
            tuple(task.dataset(split, train=split == "train")[0]["image"].shape[1:]) for split in ("train", "val")
        }
        check_input(model, sorted((height, width) for height, width in shapes))
        return task

    @property
    def metric_names(self) -> Sequence[str]:
        """Accuracy, top k, Hamming score and calibration error; F1, precision, recall and AP, means and by class."""
        return classification_metric_names(self.data.class_names, multi_label=self.data.multi_label)

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return tuple(self.data.targets)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        model = build_backbone(self.model_recipe, len(self.data.class_names))
        if self.model_recipe.prior is not None:
            set_prior(model, self.model_recipe.prior)
        return model

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        return build(self.loss, activation=self.model_recipe.activation)

    def dataset(self, split: str, *, train: bool) -> PictureDataset:
        """The images of a split with their labels."""
        targets, channels = self.data.targets[split], self.model_recipe.channels
        return self.data.pictures.dataset(split, targets, train=train, seed=self.seed, channels=channels)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split; see `loader_of`."""
        dataset, seed = self.dataset(split, train=train), self.seed if train else None
        return loader_of(dataset, collate_pictures, seed=seed, workers=workers, batch_size=batch_size)

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass."""
        logits, target = model(batch["image"]).float(), batch["target"]
        if self.model_recipe.activation == "sigmoid" and target.ndim == 1:
            target = target.unsqueeze(1) == torch.arange(logits.shape[1], device=target.device)
        return Batch(logits, target, None, torch.tensor(target.numel(), device=target.device))

    def names(self, batch: Any) -> Sequence[str]:
        """The images' paths within their folder."""
        names: Sequence[str] = batch["name"]
        return names

    def probs(self, logits: Tensor) -> Tensor:
        """Probabilities of logits [N, C]."""
        return logits.softmax(1) if self.model_recipe.activation == "softmax" else logits.sigmoid()

    def truth(self, target: Tensor) -> Tensor:
        """The target of a forward pass as the scores read it: [N], or [N, C] where images may have several labels."""
        several = self.data.multi_label or target.ndim == 1
        return target if several else target.int().argmax(1)

    def scores(self) -> "TaskScores":
        """Empty scores."""
        return TaskScores(self)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """Scores, confusion, curves, calibration, and pictures: what is wrong with most confidence first."""
        from piste.tasks.classification.examination import examine

        return examine(self, model, split, batches, None if before is None else before.kept.get("thresholds"))

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """The class of an image file, or its labels from a probability of 0.5 on, and all probabilities."""
        image = self.data.pictures.read(path)
        seen = self.dataset("val", train=False).normalized(image)[None].to(next(model.parameters()).device)
        probs = self.probs(model(seen).float())[0].tolist()
        names = self.data.class_names
        order = sorted(range(len(names)), key=lambda i: -probs[i])
        if self.data.multi_label:
            said = [i for i in order if probs[i] >= 0.5]
            facts: dict[str, Any] = {"labels": [names[i] for i in said]}
        else:
            said = order[:1]
            facts = {"class": names[order[0]]}
        facts["probs"] = {names[i]: probs[i] for i in order}
        return Prediction(facts, {"probabilities": answer_bars(names, probs, truth=said, said=said)})

    @torch.no_grad()
    def snapshot(self, model: nn.Module) -> Pixels | None:
        """Some validation images and what they are taken for, right and wrong in colours."""
        dataset = self.dataset("val", train=False)
        step = max(len(dataset) // 18, 1)
        places = list(range(0, len(dataset), step))[:18]
        images = torch.stack([dataset[place]["image"] for place in places])
        probs = self.probs(model(images.to(next(model.parameters()).device)).float()).cpu()
        shown = [self.data.pictures.shown("val", place) for place in places]
        return grid(shown, probs, self.data.targets["val"][places], self.data.class_names)

    def exported(self, model: nn.Module) -> Exported:
        """The network from images to the probabilities of its classes."""
        normalize, (height, width) = self.data.recipe.normalize, self.dataset("val", train=False)[0]["image"].shape[1:]
        assert isinstance(normalize, Statistics), "open_classification puts numbers here"
        softmax = self.model_recipe.activation == "softmax"
        return Exported(
            Deployed(model, normalize, nn.Softmax(1) if softmax else nn.Sigmoid(), self.model_recipe.channels),
            torch.rand(2, 3, height, width),
            takes=f"RGB images, float32 [N, 3, {height}, {width}], 0 … 1",
            gives="the probability of each class, float32 [N, C]",
            input="image",
            output="probabilities",
            free={0: 1},
            facts={"classes": list(self.data.class_names)},
        )

    def scripted(self) -> Scripted:
        """Labelled images, a network of timm's or a small one, and the scores of labels."""
        from piste.tasks.classification.scripted import scripted

        return scripted(self)

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training images as they are and as augmentation shows them."""
        return augmented_pictures(self.dataset("train", train=True))

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """What keeps the data from being used, or else every image that can't be decoded."""
        return check_pictures(lambda: open_classification(data.resolved(cache=False, normalize="imagenet")).pictures)

    def overview(self) -> list[dict[str, str]]:
        """Images, and how many of each class, split by split."""
        names = self.data.class_names
        rows = []
        for split, targets in self.data.targets.items():
            row = {"split": split, "images": str(len(targets))}
            counts = targets.sum(0) if targets.ndim == 2 else targets.bincount(minlength=len(names))
            listed = zip(names[:LISTED], counts.tolist(), strict=False)
            row |= {name: str(count) for name, count in listed}
            if len(names) > LISTED:
                row[f"{len(names) - LISTED} more"] = str(int(counts[LISTED:].sum()))
            rows.append(row)
        return rows

    def facts(self) -> dict[str, Any]:
        """The classes, how often each occurs in training, and how many training labels were made wrong."""
        facts = {"classes": list(self.data.class_names), "background": None, "counts": asdict(self.data.counts)}
        return facts | ({"wrong_labels": self.data.noise} if self.data.noise else {})


class TaskScores:
    """Scores of labels over the batches of a split.

    Args:
        task: says how its forward passes are read.
    """

    def __init__(self, task: ClassificationTask) -> None:
        self.task = task
        self.labels = ClassificationScores(task.data.class_names, multi_label=task.data.multi_label)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        self.labels.update(self.task.probs(output.prediction), self.task.truth(output.target))

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.labels.compute()
