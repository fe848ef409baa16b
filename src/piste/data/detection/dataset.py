"""What a detector is shown: images in 0 … 1 and their boxes, one at a time and in batches."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict, final

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piste.data.augment import Pipeline, Sample
from piste.data.detection.store import DetectionStore
from piste.data.draws import Draws


class Target(TypedDict):
    """The objects of an image, n of them; n may be 0.

    boxes float32 [n, 4], left, top, right, bottom in pixels; labels int64 [n], 1 for the first class; crowd bool [n],
    those that count for nothing; area float32 [n], in pixels. Where masks are read, masks uint8 [n, H, W].
    """

    boxes: Tensor
    labels: Tensor
    crowd: Tensor
    area: Tensor
    masks: NotRequired[Tensor]


class DetectionItem(TypedDict):
    """One sample: image float32 [3, H, W] in 0 … 1; its objects; its place in the split; its name."""

    image: Tensor
    target: Target
    index: int
    name: str


class DetectionItems(TypedDict):
    """A batch: N images float32 [3, H, W], which may differ in size; N targets; index int64 [N]; N names."""

    image: list[Tensor]
    targets: list[Target]
    index: Tensor
    name: list[str]


@final
class DetectionDataset(Dataset[DetectionItem]):
    """The samples of a split, put through a pipeline.

    A sample depends on (seed, epoch, index) alone, as `Draws` says.

    Args:
        store: decoded samples.
        pipeline: what is done to each, anew in each epoch.
        seed: what all randomness follows from.
        crowd: whether objects that count for nothing are in the targets: to evaluate, not to train.
    """

    def __init__(self, store: DetectionStore, pipeline: Pipeline, seed: int, *, crowd: bool) -> None:
        self.store = store
        self.pipeline = pipeline
        self.draws = Draws(seed)
        self.crowd = crowd

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose augmentations are drawn."""
        self.draws.set_epoch(epoch)

    def sample(self, index: int) -> Sample:
        """A sample after the pipeline: bytes, and its instances."""
        return self.pipeline.sample(self.store[index], self.draws.of(index))

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> DetectionItem:
        sample = self.sample(index)
        image: Tensor = sample.image.as_subclass(Tensor).float().div_(255)
        target = target_of(sample)
        return DetectionItem(
            image=image,
            target=target if self.crowd else counted(target),
            index=index,
            name=self.store.annotated[index].name,
        )


def target_of(sample: Sample) -> Target:
    """The objects of a sample."""
    found = sample.instances
    assert found is not None
    target = Target(boxes=found.boxes, labels=found.labels, crowd=found.crowd, area=found.area)
    if found.masks is not None:
        target["masks"] = found.masks.as_subclass(Tensor)
    return target


def counted(target: Target) -> Target:
    """The objects that count: all but the crowd."""
    counts = ~target["crowd"]
    chosen = Target(
        boxes=target["boxes"][counts],
        labels=target["labels"][counts],
        crowd=target["crowd"][counts],
        area=target["area"][counts],
    )
    if "masks" in target:
        chosen["masks"] = target["masks"][counts]
    return chosen


def collate_detection(items: Sequence[DetectionItem]) -> DetectionItems:
    """A batch of samples, side by side: detectors take images of any sizes."""
    return DetectionItems(
        image=[item["image"] for item in items],
        targets=[item["target"] for item in items],
        index=torch.tensor([item["index"] for item in items]),
        name=[item["name"] for item in items],
    )
