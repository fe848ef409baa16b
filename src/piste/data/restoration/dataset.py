"""What the model is shown: inputs with their targets, one at a time and in batches."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypedDict, final

from torch import Tensor
from torch.utils.data import Dataset, Sampler

from piste.data.augment import Augmentation
from piste.data.draws import Draws
from piste.data.restoration.both import augmented
from piste.data.restoration.degrade import Degradation, degraded
from piste.data.restoration.store import PairStore


class Item(TypedDict):
    """One sample: image float32 [3, h, w] and target float32 [3, H, W], black 0 and white 1; place and name."""

    image: Tensor
    target: Tensor
    index: int
    name: str


@final
class RestorationDataset(Dataset[Item]):
    """The pairs of a split, augmented alike and, where inputs are made of clean images, degraded.

    A training sample depends on (seed, epoch, index) alone, as `Draws` says, and one that is evaluated on its name.

    Args:
        store: decoded pairs.
        augment: what is done to both, anew in each epoch.
        degrade: what makes inputs of targets; empty where inputs have files of their own.
        seed: what all randomness of training follows from; None for samples that are evaluated.
    """

    def __init__(
        self, store: PairStore, augment: Sequence[Augmentation], degrade: Sequence[Degradation], seed: int | None
    ) -> None:
        self.store = store
        self.augment = augment
        self.degrade = degrade
        self.draws = None if seed is None else Draws(seed)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations and degradations are drawn."""
        if self.draws is not None:
            self.draws.set_epoch(epoch)

    def pixels(self, index: int) -> tuple[Tensor, Tensor]:
        """Input and target as bytes: uint8 [3, h, w] and [3, H, W]."""
        given, target = self.store[index]
        fixed = f"restoration/{self.store.pairs[index].name}"
        draw = Random(fixed) if self.draws is None else self.draws.of(index)
        given, target = augmented(given, target, self.augment, draw)
        return degraded(target, self.degrade, draw) if given is None else given, target

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Item:
        given, target = self.pixels(index)
        name = self.store.pairs[index].name
        return Item(image=given.float().div_(255), target=target.float().div_(255), index=index, name=name)


@final
class SameSize(Sampler[list[int]]):
    """Batches in a fixed order, each of images of one size: the samples of each size in turn, as they come.

    Args:
        sizes: of each sample.
        batch_size: samples in a batch, at most.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]], batch_size: int) -> None:
        self.batch_size = batch_size
        self.drop_last = False
        places: dict[tuple[int, int], list[int]] = {}
        for index, size in enumerate(sizes):
            places.setdefault(size, []).append(index)
        self._batches = [
            alike[start : start + batch_size] for alike in places.values() for start in range(0, len(alike), batch_size)
        ]

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._batches

    def __len__(self) -> int:
        return len(self._batches)
