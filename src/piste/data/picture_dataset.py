"""What a model of whole images is shown: normalised images and their targets, one at a time and in batches."""

from collections.abc import Sequence
from typing import TypedDict, final

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piste.data.augment import Pipeline
from piste.data.draws import Draws
from piste.data.picture_store import PictureStore
from piste.data.section import Statistics


class PictureItem(TypedDict):
    """One sample: image float32 [3 or 1, H, W], normalised; its target; its place in the split; its name."""

    image: Tensor
    target: Tensor
    index: int
    name: str


class PictureItems(TypedDict):
    """A batch: image float32 [N, 3 or 1, H, W]; targets [N, …]; index int64 [N]; N names."""

    image: Tensor
    target: Tensor
    index: Tensor
    name: list[str]


@final
class PictureDataset(Dataset[PictureItem]):
    """The images of a split, put through a pipeline and normalised, each with its target.

    A sample depends on (seed, epoch, index) alone, as `Draws` says.

    Args:
        store: decoded images.
        targets: one for each, [N, …].
        pipeline: what is done to each image, anew in each epoch.
        normalize: mean and deviation that it is normalised with.
        seed: what all randomness follows from.
        channels: 3 for colour; 1 for grey, normalised with the grey of the mean and the mean deviation.
    """

    def __init__(
        self,
        store: PictureStore,
        targets: Tensor,
        pipeline: Pipeline,
        normalize: Statistics,
        *,
        seed: int = 0,
        channels: int = 3,
    ) -> None:
        self.store = store
        self.targets = targets
        self.pipeline = pipeline
        self.draws = Draws(seed)
        mean, std, self._grey = normalize.of_channels(channels)
        self._mean, self._std = 255 * mean, 255 * std

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        self.draws.set_epoch(epoch)

    def pixels(self, index: int) -> Tensor:
        """An image after the pipeline, before it is normalised: uint8 [3, H, W]."""
        return self.pipeline.image(self.store[index], self.draws.of(index))

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> PictureItem:
        image = self.pixels(index)
        return PictureItem(
            image=self.normalized(image), target=self.targets[index], index=index, name=self.store.name(index)
        )

    def normalized(self, image: Tensor) -> Tensor:
        """An image uint8 [3, H, W] as the model sees it."""
        shown = image.float() if self._grey is None else (image * self._grey).sum(0, keepdim=True)
        return shown.sub_(self._mean).div_(self._std)


def collate_pictures(items: Sequence[PictureItem]) -> PictureItems:
    """A batch of samples of one size.

    Raises:
        ValueError: they differ in size; names two of them.
    """
    first = items[0]
    for item in items:
        if item["image"].shape != first["image"].shape:
            (h, w), (height, width) = first["image"].shape[1:], item["image"].shape[1:]
            raise ValueError(
                f"{item['name']} is {width}x{height} pixels (width x height) and {first['name']} {w}x{h}: images of a"
                " batch must have one size; add {resize: {height: 224, width: 224}} to data.prepare, or a crop"
            )
    return PictureItems(
        image=torch.stack([item["image"] for item in items]),
        target=torch.stack([item["target"] for item in items]),
        index=torch.tensor([item["index"] for item in items]),
        name=[item["name"] for item in items],
    )
