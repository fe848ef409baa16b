"""A detection data set, opened by a recipe: verified, split, counted, ready to be shown to a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.tv_tensors import Image

from piste.balance import ClassCounts
from piste.data.augment import Pipeline, Sample
from piste.data.augment.base import Augmentation
from piste.data.detection.annotated import Annotated
from piste.data.detection.dataset import DetectionDataset, DetectionItem, DetectionItems, collate_detection, target_of
from piste.data.detection.opening import examine
from piste.data.detection.recipe import DetectionDataRecipe
from piste.data.detection.store import DetectionStore, draw_sample, fits_in_memory
from piste.data.images import read_image
from piste.data.leaks import find_leaks, fingerprint
from piste.data.problems import DataError, Problem
from piste.data.section import Statistics
from piste.data.statistics import colour_statistics
from piste.names import nearest


@dataclass(frozen=True, eq=False)
class Seen:
    """A sample as people see it, n objects in it.

    Args:
        image: uint8 [H, W, 3].
        boxes: float32 [n, 4], left, top, right, bottom in pixels.
        labels: int64 [n], 1 for the first class.
        crowd: bool [n], what counts for nothing.
        masks: uint8 [n, H, W]; None where none are read.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    masks: NDArray[np.uint8] | None


@final
class DetectionData:
    """Images and the boxes in them, in splits.

    Args:
        recipe: with everything decided that it left open: format, classes, split, normalisation in numbers.
        folder: where the data lie.
        splits: images of `train`, `val` and, if there are any, `test`.
        counts: how often each class occurs in training: boxes, where other tasks count pixels.
    """

    def __init__(
        self,
        recipe: DetectionDataRecipe,
        folder: Path,
        splits: Mapping[str, Sequence[Annotated]],
        counts: ClassCounts,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.splits = splits
        self.counts = counts
        everything = [one for split in splits.values() for one in split]
        auto = recipe.cache == "auto"
        self._cached = fits_in_memory(everything, recipe.masks) if auto else bool(recipe.cache)
        self._stores: dict[str, DetectionStore] = {}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes; the first has the label 1, for 0 is what is no object."""
        return tuple(self.recipe.classes or ())

    @property
    def masks(self) -> bool:
        """Whether the objects have masks."""
        return self.recipe.masks

    @property
    def collate(self) -> Callable[[Sequence[DetectionItem]], DetectionItems]:
        """A DataLoader's `collate_fn`."""
        return collate_detection

    def dataset(self, split: str, *, train: bool, seed: int = 0) -> DetectionDataset:
        """The samples of a split as the model sees them.

        Args:
            split: train, val or test.
            train: whether they are augmented, and what counts for nothing left out; otherwise the recipe's `evaluate`
                is done to them.
            seed: what augmentation follows from, with the epoch and the index.

        Raises:
            ValueError: there is no such split, or a file can't be read.
        """
        steps = self.recipe.augment if train else self.recipe.evaluate
        store = self._store(split)
        return DetectionDataset(store, self._pipeline(steps, store), seed, crowd=not train)

    def raw(self, split: str, index: int) -> Seen:
        """A sample as evaluation sees it."""
        return _seen(self.dataset(split, train=False).sample(index))

    def augmented(self, index: int, epoch: int, seed: int = 0) -> Seen:
        """A training sample as it is drawn in an epoch."""
        dataset = self.dataset("train", train=True, seed=seed)
        dataset.set_epoch(epoch)
        return _seen(dataset.sample(index))

    def read(self, path: Path) -> tuple[Tensor, tuple[int, int]]:
        """An image file as evaluation would see it, float32 [3, H, W] in 0 … 1, and the height and width it came with.

        Raises:
            DataError: the file can't be read.
        """
        image = torch.from_numpy(read_image(path, self.recipe.window)).permute(2, 0, 1).contiguous()
        sample = Sample(Image(image))
        for steps in (self.recipe.prepare, self.recipe.evaluate):
            sample = self._pipeline(steps).sample(sample, Random(0))
        shown: Tensor = sample.image.as_subclass(Tensor).float().div_(255)
        return shown, (image.shape[1], image.shape[2])

    def statistics(self) -> dict[str, list[float]]:
        """Mean and deviation of the training images' colours."""
        store = self._store("train")
        return colour_statistics(store[index].image.as_subclass(Tensor) for index in range(len(store)))

    def _pipeline(self, steps: list[Augmentation], store: DetectionStore | None = None) -> Pipeline:
        partner = None if store is None else partial(draw_sample, store)
        return self.recipe.pipeline(steps).mixing(partner, min_visible=self.recipe.min_visible)

    def _store(self, split: str) -> DetectionStore:
        if split not in self.splits:
            raise ValueError(f"{self.folder} has no split {split}; {nearest(split, self.splits)}")
        if split not in self._stores:
            self._stores[split] = DetectionStore(
                self.splits[split],
                self._pipeline(self.recipe.prepare),
                self.recipe.window,
                masks=self.recipe.masks,
                cached=self._cached,
            )
        return self._stores[split]


def open_detection(recipe: DetectionDataRecipe) -> DetectionData:
    """Open a folder or a built-in data set for training.

    Annotations are verified, with the images' sizes from their headers. Images are decoded when they are first
    asked for.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    found = examine(recipe)
    if found.problems:
        raise DataError(*found.problems)
    data = DetectionData(found.recipe, found.folder, found.splits, found.counts)
    if not isinstance(found.recipe.normalize, Statistics):
        settled = found.recipe.resolved(normalize=data.statistics())
        data = DetectionData(settled, found.folder, found.splits, found.counts)
    return data


def check_detection(recipe: DetectionDataRecipe) -> list[Problem]:
    """Read every file of a data set and say what is wrong with it, sorted by path.

    Besides what `open_detection` looks for: images that are broken behind their headers, and the same picture in two
    splits (pictures of a single colour aside).

    Raises:
        ValueError: the recipe contradicts itself or the data.
    """
    try:
        found = examine(recipe)
    except DataError as error:
        return list(error.problems)
    except FileNotFoundError as error:
        return [Problem(Path(recipe.path), str(error))]
    problems, prints = list(found.problems), dict[str, str]()
    for one in found.annotated:
        try:
            prints[one.name] = fingerprint(read_image(one.image, recipe.window))
        except DataError as error:
            problems.extend(error.problems)
    split_of = {one.name: split for split, held in found.splits.items() for one in held}
    problems.extend(find_leaks({one.name: one.image for one in found.annotated}, prints, split_of))
    return sorted(problems, key=lambda problem: (problem.path, problem.message))


def _seen(sample: Sample) -> Seen:
    target = target_of(sample)
    return Seen(
        sample.image.as_subclass(Tensor).permute(1, 2, 0).contiguous().numpy().copy(),
        target["boxes"].numpy().copy(),
        target["labels"].numpy().copy(),
        target["crowd"].numpy().copy(),
        target["masks"].numpy().copy() if "masks" in target else None,
    )
