"""What the model is shown: normalised images and their targets, one at a time and in batches."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict, final

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piste.data.augment import Pipeline
from piste.data.counts import IGNORE_INDEX
from piste.data.draws import Draws
from piste.data.section import Statistics
from piste.data.store import Store


class Item(TypedDict):
    """One sample: image float32 [3, H, W], normalised; target int64 [H, W]; its place in the split; its name.

    Where distance maps are made, distance float32 [C, H, W].
    """

    image: Tensor
    target: Tensor
    index: int
    name: str
    distance: NotRequired[Tensor]


class Items(TypedDict):
    """A batch: image float32 [N, 3, H, W]; target int64 [N, H, W]; index int64 [N]; N names.

    Where distance maps are made, distance float32 [N, C, H, W].
    """

    image: Tensor
    target: Tensor
    index: Tensor
    name: list[str]
    distance: NotRequired[Tensor]


@final
class SegmentationDataset(Dataset[Item]):
    """The samples of a split, put through a pipeline and normalised.

    A sample depends on (seed, epoch, index) alone, as `Draws` says.

    Args:
        store: decoded samples.
        pipeline: what is done to each, anew in each epoch.
        normalize: mean and deviation that the image is normalised with.
        seed: what all randomness follows from.
        distance: makes distance maps [C, H, W] of a target as the pipeline leaves it; None where no loss reads any.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        normalize: Statistics,
        seed: int,
        distance: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.store = store
        self.distance = distance
        self.pipeline = pipeline
        self.draws = Draws(seed)
        self.normalize = normalize

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        self.draws.set_epoch(epoch)

    def pixels(self, index: int) -> tuple[Tensor, Tensor]:
        """A sample after the pipeline, before it is normalised: uint8 [3, H, W] and uint8 [H, W]."""
        image, mask = self.store[index]
        return self.pipeline(image, mask, self.draws.of(index))

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Item:
        image, mask = self.pixels(index)
        item = Item(
            image=self.normalize(image),
            target=mask.long(),
            index=index,
            name=self.store.samples[index].name,
        )
        if self.distance is not None:
            item["distance"] = self.distance(item["target"])
        return item


def collate(items: Sequence[Item], multiple: int = 1) -> Items:
    """A batch of samples, which may differ in size.

    All are padded at the right and at the bottom to the largest height and width, rounded up to a multiple of
    `multiple`: images with their mean (0 once normalised), targets with the ignored index, so that padding counts
    for nothing, and distance maps with 0.

    Args:
        items: samples.
        multiple: what the model needs heights and widths to be divisible by.
    """
    height, width = (-(-max(item["target"].shape[axis] for item in items) // multiple) * multiple for axis in (0, 1))
    size = height, width
    batch = Items(
        image=_padded([item["image"] for item in items], size, 0.0),
        target=_padded([item["target"] for item in items], size, IGNORE_INDEX),
        index=torch.tensor([item["index"] for item in items]),
        name=[item["name"] for item in items],
    )
    if "distance" in items[0]:
        batch["distance"] = _padded([item["distance"] for item in items], size, 0.0)
    return batch


def _padded(tensors: Sequence[Tensor], size: tuple[int, int], filling: float) -> Tensor:
    """Tensors [*, H, W] in one, each at the left and at the top."""
    if all(tensor.shape[-2:] == size for tensor in tensors):
        return torch.stack(list(tensors))
    batch = tensors[0].new_full((len(tensors), *tensors[0].shape[:-2], *size), filling)
    for place, tensor in enumerate(tensors):
        batch[place, ..., : tensor.shape[-2], : tensor.shape[-1]] = tensor
    return batch
