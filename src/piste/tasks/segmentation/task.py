"""The task of segmentation, and its scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piste.data.check import check_folder
from piste.data.counts import IGNORE_INDEX
from piste.data.distance import distance_maps
from piste.data.labelled import YES
from piste.data.problems import Problem
from piste.data.recipe import SegmentationDataRecipe
from piste.data.section import Statistics
from piste.data.segmentation import SegmentationData, open_segmentation
from piste.data.summary import summarise
from piste.losses import Loss
from piste.metrics.decisions import label_map
from piste.metrics.names import metric_names
from piste.metrics.objects import ObjectScores
from piste.metrics.pixels import PixelScores
from piste.models.auxiliary import Supervised
from piste.models.recipe import SegmentationModelRecipe
from piste.models.segmentation import build_segmentation_model, check_model, input_multiple
from piste.objective import Objective
from piste.objective.objective import AUXILIARY
from piste.objective.recipe import build, resolve
from piste.tasks.base import Batch, Deployed, EpochOrder, Examined, Exported, Prediction, Scores, Scripted, Task
from piste.tasks.base.examined import Pixels
from piste.tasks.segmentation.labelled import THRESHOLD, LabelledScores, examine_labels
from piste.tasks.segmentation.panels import outlines

AUGMENTED = 6  # training images shown in the report's picture of augmented samples
VERSIONS = 4  # how often each of them is drawn


@final
class SegmentationTask(Task):
    """Ties a folder of images and masks, an architecture, an objective and the metrics of pixels and objects together.

    Where the data have labels that do not exclude each other, the target is [N, K, H, W] of all of them, and what is
    ignored is so label by label; with classes:

    With softmax the model scores every class and the target is a class a pixel, [N, H, W]; with sigmoid it scores
    every class but the background and the target is a label for each, [N, K, H, W]. Pixels that the masks ignore
    have the target 255, and are masked out for losses that know of no ignored target. What a loss reads beside labels
    goes with them: the image, or distance maps, which the loader makes of the augmented masks.

    Args:
        data: the opened data set.
        model_recipe: the `model:` section.
        loss: the resolved `loss:` section.
        seed: of the order and the augmentation.

    Raises:
        ValueError: the architecture lacks what the section asks for, or a term has the name of another.
    """

    summary: ClassVar[str] = "every pixel of an image gets a class"
    sections: ClassVar = {"data": SegmentationDataRecipe, "model": SegmentationModelRecipe}
    default_metric: ClassVar[str] = "iou"
    key_metrics: ClassVar = ("iou", "f1", "precision", "recall", "average_precision", "object_f1")

    def __init__(
        self, data: SegmentationData, model_recipe: SegmentationModelRecipe, loss: Mapping[str, Any], seed: int
    ) -> None:
        self.data = data
        self.data_recipe = data.recipe
        self.model_recipe = model_recipe
        self.activation = model_recipe.activation
        self.loss = loss
        self.seed = seed
        self.multiple = input_multiple(model_recipe)
        self.foreground = [i for i in range(len(data.class_names)) if i != data.background]
        objective = self.objective()
        if model_recipe.auxiliary and AUXILIARY in {term.name for phase in objective.order for term in phase.parts}:
            raise ValueError(
                f"`loss`: a term is called {AUXILIARY}, as is what `model.auxiliary` adds; rename the term"
            )
        losses = [module for module in objective.modules() if isinstance(module, Loss)]
        self.reads = {name for loss in losses for name in loss.reads}
        self.masked = any(not hasattr(loss, "ignore_index") for loss in losses)

    @classmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that these sections of a recipe describe, all of them checked.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """
        data, model = sections["data"], sections["model"]
        check_model(model)
        if data.labels is not None and model.activation != "sigmoid":
            raise ValueError(
                "data.labels do not exclude each other, which needs `model.activation: sigmoid`; got"
                f" {model.activation}, with which a pixel has one class"
            )
        opened = open_segmentation(data)
        names, background = opened.class_names, opened.background
        scored = [i for i in range(len(names)) if model.activation == "softmax" or i != background]
        resolved = resolve(
            loss,
            task=cls.name,
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

    @property
    def splits(self) -> Sequence[str]:
        """Train, val and, where there is one, test."""
        return tuple(self.data.splits)

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
        combinations = self.data.combinations
        distance = partial(distance_maps, classes=tuple(scored)) if combinations is None else combinations.distance_maps
        distance_of = distance if "distance" in self.reads else None
        dataset = self.data.dataset(split, train=train, seed=self.seed, distance=distance_of)
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
        found, target = model(batch["image"]), batch["target"]
        logits, coarser = found if isinstance(found, Supervised) else (found, ())
        auxiliary = [(factor, each.float()) for factor, each in zip(self.model_recipe.auxiliary, coarser, strict=False)]
        counts = target != IGNORE_INDEX
        beside = {name: batch[name] for name in self.reads}
        if self.activation == "softmax":
            mask = counts if self.masked else None
            return Batch(logits.float(), target, mask, counts.sum(), beside, auxiliary)
        if self.data.combinations is not None:
            states = self.data.combinations.states(target)
            known = states != IGNORE_INDEX
            return Batch(logits.float(), states == YES, known, known.sum(), beside, auxiliary)
        classes = torch.tensor(self.foreground, device=target.device).view(1, -1, 1, 1)
        number = counts.sum() * len(self.foreground)
        labels = target.unsqueeze(1) == classes
        return Batch(logits.float(), labels, counts.unsqueeze(1), number, beside, auxiliary)

    def names(self, batch: Any) -> Sequence[str]:
        """The stems of the images."""
        stems: Sequence[str] = batch["name"]
        return stems

    def probs(self, output: Batch) -> Tensor:
        """Probabilities from a forward pass: [N, C, H, W], or [N, K, H, W] of the foreground with sigmoid."""
        logits: Tensor = output.prediction
        return logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()

    def truth(self, output: Batch) -> Tensor:
        """Class indices [N, H, W] from a forward pass, 255 where nothing counts."""
        target: Tensor = output.target
        if self.activation == "softmax":
            return target
        assert output.mask is not None
        classes = torch.tensor(self.foreground, device=target.device)
        elsewhere = IGNORE_INDEX if self.data.background is None else self.data.background
        truth = torch.where(target.any(1), classes[target.int().argmax(1)], elsewhere)
        return truth.masked_fill(~output.mask.squeeze(1), IGNORE_INDEX)

    def scores(self) -> Scores:
        """Empty scores."""
        return SegmentationScores(self) if self.data.combinations is None else LabelledScores(self.data.class_names)

    def labels(self, probs: Tensor, thresholds: Sequence[float] | None = None) -> Tensor:
        """The class of each pixel [N, H, W]: the likeliest, or that of the foreground which reaches its threshold."""
        return label_map(probs, activation=self.activation, background=self.data.background, thresholds=thresholds)

    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """Scores at two thresholds, curves, and pictures, the worst first."""
        from piste.tasks.segmentation.examination import examine

        look = examine if self.data.combinations is None else examine_labels
        return look(self, model, split, batches, None if before is None else before.kept["thresholds"])

    def exported(self, model: nn.Module) -> Exported:
        """The network from images to the probabilities of its classes."""
        normalize = self.data.recipe.normalize
        assert isinstance(normalize, Statistics), "open_segmentation puts numbers here"
        softmax = self.activation == "softmax"
        item = self.data.dataset("val", train=False)[0]
        height, width = self.data.collate(self.multiple)([item])["image"].shape[2:]
        names = self.data.class_names
        return Exported(
            Deployed(model, normalize, nn.Softmax(1) if softmax else nn.Sigmoid()),
            torch.rand(2, 3, height, width),
            takes="RGB images, float32 [N, 3, H, W], 0 … 1",
            gives="the probability of each class at each pixel, float32 [N, C, H, W]",
            input="image",
            output="probabilities",
            free={0: 1, 2: self.multiple, 3: self.multiple},
            facts={"classes": list(names) if softmax else [names[i] for i in self.foreground]},
        )

    def scripted(self) -> Scripted:
        """Images with masks, a network of segmentation-models-pytorch, and the scores of pixels."""
        from piste.tasks.segmentation.scripted import scripted

        return scripted(self)

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """Everything that is wrong with a folder of images and masks."""
        return check_folder(data)

    def overview(self) -> list[dict[str, str]]:
        """Images, sizes, and each class's share of the pixels and number of images, split by split."""
        rows = []
        for split, held in summarise(self.data).splits.items():
            row = {"split": split, "images": str(held.images)}
            row |= {"smallest": "x".join(map(str, held.smallest)), "largest": "x".join(map(str, held.largest))}
            for index, name in enumerate(self.data.class_names):
                row[f"{name} pixels"] = f"{held.counts.pixels[index] / max(held.counts.total, 1):.2%}"
                row[f"images with {name}"] = str(held.counts.images[index])
            rows.append(row)
        return rows

    def facts(self) -> dict[str, Any]:
        """The classes, which of them is background, and how often each occurs."""
        names, background = list(self.data.class_names), self.data.background
        return {"classes": names, "background": background, "counts": asdict(self.data.counts)}

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Training images and masks as they are and as augmentation shows them; those with most foreground say most."""
        if not self.data.recipe.augment:
            return {}
        masks = list(self.data.masks("train"))
        nothing = self.data.background if self.data.combinations is None else 0
        order = sorted(range(len(masks)), key=lambda i: float((masks[i] == nothing).mean()))
        arrays: dict[str, Pixels | list[str]] = {"names": []}
        names = []
        for i, index in enumerate(order[:AUGMENTED]):
            arrays[f"original_{i}"], arrays[f"original_mask_{i}"] = self.data.raw("train", index)
            names.append(self.data.splits["train"][index].name)
            for j in range(VERSIONS):
                image, mask = self.data.augmented(index, epoch=j, seed=self.seed)
                arrays[f"augmented_{i}_{j}"], arrays[f"augmented_mask_{i}_{j}"] = image, mask
        if self.data.combinations is not None:  # drawn here, for a mask of classes can't show them
            for key in [key for key in arrays if "mask" not in key and key != "names"]:
                codes = arrays.pop(key.replace("_", "_mask_", 1))
                states = self.data.combinations.states(torch.from_numpy(codes))
                arrays[key] = outlines(np.asarray(arrays[key]), (states == YES).numpy(), dimmed=False)
        return arrays | {"names": names}

    @torch.no_grad()
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """The class of each pixel of an image file, at the size of the file, or a mask of each label."""
        device = next(model.parameters()).device
        image, size = self.data.read(path)
        batch = self.data.collate(self.multiple)([image])
        logits = model(batch["image"].to(device)).float()[..., : image["target"].shape[0], : image["target"].shape[1]]
        probs = logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()
        if self.data.combinations is not None:
            yes = nn.functional.interpolate((probs >= THRESHOLD).float(), size=size, mode="nearest-exact")[0]
            maps = dict(zip(self.data.class_names, yes.bool().cpu().numpy(), strict=True))
            return Prediction(
                {"shares": {name: float(each.mean()) for name, each in maps.items()}},
                {f"label_{name}": each.astype(np.uint8) * 255 for name, each in maps.items()},
            )
        labels = self.labels(probs)
        mask = nn.functional.interpolate(labels[None].float(), size=size, mode="nearest-exact")[0, 0]
        found = mask.byte().cpu().numpy()
        shares = np.bincount(found.ravel(), minlength=len(self.data.class_names)) / found.size
        return Prediction(
            {"shares": dict(zip(self.data.class_names, shares.tolist(), strict=True))}, {"classes": found}
        )


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
