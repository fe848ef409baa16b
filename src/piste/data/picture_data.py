"""Images in splits, as tasks of whole images show them to a model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.data.augment.base import Augmentation
from piste.data.images import read_image
from piste.data.picture_dataset import PictureDataset
from piste.data.picture_store import PictureStore, pictures_fit_in_memory
from piste.data.pictures import Pictures, refuse_mixed_sizes
from piste.data.problems import DataError, Problem
from piste.data.section import ImagesSection, Statistics
from piste.data.statistics import colour_statistics

Section = TypeVar("Section", bound=ImagesSection)
ONE_SIZE = "a batch holds images of one size: add {resize: {height: 224, width: 224}} to data.prepare"


@final
class PictureData:
    """Images in splits.

    Args:
        section: says how they are shown.
        pictures: all of them.
        splits: which of them each split holds.
    """

    def __init__(self, section: ImagesSection, pictures: Pictures, splits: Mapping[str, Sequence[int]]) -> None:
        self.section = section
        self.pictures = pictures
        self.splits = splits
        everything = [index for places in splits.values() for index in places]
        auto = section.cache == "auto"
        self._cached = pictures_fit_in_memory(pictures, everything) if auto else bool(section.cache)
        self._stores: dict[str, PictureStore] = {}

    def store(self, split: str) -> PictureStore:
        """The images of a split, before augmentation."""
        if split not in self._stores:
            prepare = self.section.pipeline(self.section.prepare)
            self._stores[split] = PictureStore(self.pictures, self.splits[split], prepare, self._cached)
        return self._stores[split]

    def dataset(self, split: str, targets: Tensor, *, train: bool, seed: int = 0, channels: int = 3) -> PictureDataset:
        """The images of a split as the model sees them.

        Args:
            split: train, val or test.
            targets: one for each image.
            train: whether they are augmented; otherwise the section's `evaluate` is done to them.
            seed: what augmentation follows from, with the epoch and the index.
            channels: 3 for colour, 1 for grey.
        """
        assert isinstance(self.section.normalize, Statistics)
        steps = self.section.augment if train else self.section.evaluate
        pipeline = self.section.pipeline(steps)
        return PictureDataset(
            self.store(split), targets, pipeline, self.section.normalize, seed=seed, channels=channels
        )

    def shown(self, split: str, place: int) -> NDArray[np.uint8]:
        """An image as it is evaluated, before it is normalised: [H, W, 3]."""
        dataset = self.dataset(split, _NO_TARGETS, train=False)
        image: NDArray[np.uint8] = dataset.pixels(place).permute(1, 2, 0).contiguous().numpy().copy()
        return image

    def read(self, path: Path) -> Tensor:
        """An image file as it is evaluated, before it is normalised: uint8 [3, H, W].

        Raises:
            DataError: it can't be read.
        """
        image = torch.from_numpy(read_image(path, self.section.window)).permute(2, 0, 1).contiguous()
        for steps in (self.section.prepare, self.section.evaluate):
            image = self.section.pipeline(steps).image(image, Random(0))
        return image

    def refuse_mixed_sizes(self) -> None:
        """Refuse images that come in several sizes and that no step makes equal.

        Raises:
            DataError: names two of them.
        """
        for split, places in self.splits.items():
            steps = [self.section.evaluate, *([self.section.augment] if split == "train" else [])]
            if not all(sets_size([*self.section.prepare, *after]) for after in steps):
                refuse_mixed_sizes(self.pictures, places, ONE_SIZE)


_NO_TARGETS = Tensor()


def sets_size(steps: Sequence[Augmentation]) -> bool:
    """Whether images of any size come out of these steps in one."""
    return any(
        step.p == 1 and all(getattr(step, side, None) is not None for side in ("height", "width")) for step in steps
    )


def settle_statistics(
    section: Section, pictures: Pictures, splits: Mapping[str, Sequence[int]]
) -> tuple[Section, PictureData]:
    """The section with its normalisation in numbers, and the images that it shows.

    Raises:
        DataError: images differ in size, or one can't be read.
    """
    data = PictureData(section, pictures, splits)
    data.refuse_mixed_sizes()
    if section.normalize != "data":
        return section, data
    store = data.store("train")
    section = section.resolved(normalize=colour_statistics(store[place] for place in range(len(store))))
    return section, PictureData(section, pictures, splits)


def check_pictures(open_data: Callable[[], PictureData]) -> Sequence[Problem]:
    """What keeps images from being opened, or else a problem for each that can't be decoded.

    Args:
        open_data: opens them; files are verified from their headers there.
    """
    try:
        data = open_data()
    except DataError as error:
        return error.problems
    problems: list[Problem] = []
    for index in sorted({index for places in data.splits.values() for index in places}):
        try:
            data.pictures.read(index)
        except DataError as error:
            problems.extend(error.problems)
    return problems
