"""Segmentation: every pixel of an image gets a class."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.counts import IGNORE_INDEX
from piste.data.distance import distance_maps
from piste.data.recipe import SegmentationDataRecipe
from piste.data.segmentation import SegmentationData, open_segmentation
from piste.losses import Loss
from piste.metrics.decisions import label_map
from piste.metrics.names import metric_names
from piste.metrics.objects import ObjectScores
from piste.metrics.pixels import PixelScores
from piste.models.recipe import SegmentationModelRecipe
from piste.models.segmentation import build_segmentation_model, check_model, input_multiple
from piste.objective import Objective
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch
from piste.tasks.order import EpochOrder


class SegmentationTask:
    """Ties a folder of images and masks, an architecture, an objective and the metrics of pixels and objects together.

    With softmax the model scores every class and the target is a class a pixel, [N, H, W]; with sigmoid it scores
    every class but the background and the target is a label for each, [N, K, H, W]. Pixels that the masks ignore
    have the target 255, and are masked out for losses that know of no ignored target. What a loss reads beside labels
    goes with them: the image, or distance maps, which the loader makes of the augmented masks.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.
    """

    default_metric = "iou"

    def __init__(
        self, data: SegmentationData, model_recipe: SegmentationModelRecipe, loss: Mapping[str, Any], seed: int
    ) -> None:
        self.data = data
        self.model_recipe = model_recipe
        self.activation = model_recipe.activation
        self.loss = loss
        self.seed = seed
        self.multiple = input_multiple(model_recipe)
        self.foreground = [i for i in range(len(data.class_names)) if i != data.background]
        losses = [module for module in self.objective().modules() if isinstance(module, Loss)]
        self.reads = {name for loss in losses for name in loss.reads}
        self.masked = any(not hasattr(loss, "ignore_index") for loss in losses)

    @classmethod
    def open(cls, data: SegmentationDataRecipe, model: SegmentationModelRecipe, loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        check_model(model)
        opened = open_segmentation(data)
        names, background = opened.class_names, opened.background
        scored = [i for i in range(len(names)) if model.activation == "softmax" or i != background]
        resolved = resolve(
            loss,
            task="segmentation",
            activation=model.activation,
            class_names=[names[i] for i in scored],
            counts=opened.counts.of(scored),
            metrics=metric_names(names, background),
        )
        return cls(opened, model, resolved, seed)

    @property
    def metric_names(self) -> Sequence[str]:
        """The scores of pixels and objects: means over the foreground, then each class."""
        return metric_names(self.data.class_names, self.data.background)

    def model(self) -> nn.Module:
        """A fresh network; random weights follow the current torch seed."""
        channels = len(self.data.class_names) if self.activation == "softmax" else len(self.foreground)
        return build_segmentation_model(self.model_recipe, channels)

    def objective(self) -> Objective:
        """A fresh objective at its beginning."""
        ignore = IGNORE_INDEX if self.activation == "softmax" else None
        return build(self.loss, activation=self.activation, ignore_index=ignore)

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches of one split: shuffled and augmented by (seed, epoch, sample) to train, in order to evaluate."""
        scored = range(len(self.data.class_names)) if self.activation == "softmax" else self.foreground
        distance = partial(distance_maps, classes=tuple(scored)) if "distance" in self.reads else None
        dataset = self.data.dataset(split, train=train, seed=self.seed, distance=distance)
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=EpochOrder(len(dataset), self.seed) if train else None,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=self.data.collate(self.multiple),
            generator=torch.Generator(),  # the process's random state is not touched by reading
        )

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass."""
        logits, target = model(batch["image"]).float(), batch["target"]
        counts = target != IGNORE_INDEX
        beside = {name: batch[name] for name in self.reads}
        if self.activation == "softmax":
            return Batch(logits, target, counts if self.masked else None, counts.sum(), beside)
        classes = torch.tensor(self.foreground, device=target.device).view(1, -1, 1, 1)
        number = counts.sum() * len(self.foreground)
        return Batch(logits, target.unsqueeze(1) == classes, counts.unsqueeze(1), number, beside)

    def names(self, batch: Any) -> Sequence[str]:
        """The stems of the images."""
        stems: Sequence[str] = batch["name"]
        return stems

    def probs(self, output: Batch) -> Tensor:
        """Probabilities from a forward pass: [N, C, H, W], or [N, K, H, W] of the foreground with sigmoid."""
        return output.prediction.softmax(1) if self.activation == "softmax" else output.prediction.sigmoid()

    def truth(self, output: Batch) -> Tensor:
        """Class indices [N, H, W] from a forward pass, 255 where nothing counts."""
        if self.activation == "softmax":
            return output.target
        assert output.mask is not None
        classes = torch.tensor(self.foreground, device=output.target.device)
        elsewhere = IGNORE_INDEX if self.data.background is None else self.data.background
        truth = torch.where(output.target.any(1), classes[output.target.int().argmax(1)], elsewhere)
        return truth.masked_fill(~output.mask.squeeze(1), IGNORE_INDEX)

    def scores(self) -> "SegmentationScores":
        """Empty scores."""
        return SegmentationScores(self)


class SegmentationScores:
    """Scores of pixels and of objects over the batches of a split.

    Args:
        task: says how its forward passes are read.
    """

    def __init__(self, task: SegmentationTask) -> None:
        self.task = task
        data = task.data
        self.pixels = PixelScores(data.class_names, data.background, task.activation)
        self.objects = ObjectScores(data.class_names, data.background)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        probs, truth = self.task.probs(output), self.task.truth(output)
        self.pixels.update(probs, truth)
        predicted = label_map(probs, activation=self.task.activation, background=self.task.data.background)
        self.objects.update(predicted, truth)

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.pixels.compute() | self.objects.compute()
