"""Decoded images with their objects: read when asked for, or all at once and kept in memory."""

from collections.abc import Sequence
from random import Random
from typing import final

import numpy as np
import torch
from torch import Tensor
from torchvision.tv_tensors import Image

from piste.data.augment import Instances, Pipeline, Sample
from piste.data.detection.annotated import Annotated
from piste.data.detection.outlines import draw_outline
from piste.data.images import read_image
from piste.data.store import CACHE_MB


@final
class DetectionStore:
    """The samples of a split, by index, after what the recipe prepares.

    With `cached` all images are read at once, so that a broken file shows before training starts, into one block of
    memory with the masks of their objects, which forked workers share and others map.

    Args:
        annotated: images and their objects.
        prepare: what is done to each, the same each time.
        window: the values shown as black and white of images with more than 8 bits.
        masks: whether the objects have masks.
        cached: whether they are kept in memory.
    """

    def __init__(
        self,
        annotated: Sequence[Annotated],
        prepare: Pipeline,
        window: tuple[float, float] | None,
        *,
        masks: bool,
        cached: bool,
    ) -> None:
        self.annotated = annotated
        self.prepare = prepare
        self.window = window
        self.masks = masks
        self._block: Tensor | None = None
        self._places: list[tuple[int, int, int, int]] = []  # where it starts, planes, height, width
        self._tables: list[Instances] = []
        if cached:
            parts, start = [], 0
            for one in annotated:
                sample = self._read(one)
                table = _table(sample)
                planes = [sample.image.as_subclass(Tensor)]
                if table.masks is not None:
                    planes.append(table.masks.as_subclass(Tensor))
                block = torch.cat(planes)
                self._places.append((start, *block.shape))
                self._tables.append(_without_masks(table))
                start += block.numel()
                parts.append(block.flatten())
            self._block = torch.cat(parts)

    def __len__(self) -> int:
        return len(self.annotated)

    def __getitem__(self, index: int) -> Sample:
        """An image with its instances; not to be changed in place."""
        if self._block is None:
            return self._read(self.annotated[index])
        start, planes, height, width = self._places[index]
        block = self._block[start : start + planes * height * width].view(planes, height, width)
        table = self._tables[index]
        masks = block[3:] if self.masks else None
        return Sample(Image(block[:3]), None, Instances.of(table.boxes, table.labels, table.crowd, table.area, masks))

    def _read(self, one: Annotated) -> Sample:
        image = torch.from_numpy(read_image(one.image, self.window)).permute(2, 0, 1).contiguous()
        masks = None
        if self.masks:
            drawn = [draw_outline(outline, one.size) for outline in one.outlines]
            masks = torch.from_numpy(np.stack(drawn)) if drawn else torch.zeros(0, *one.size, dtype=torch.uint8)
        boxes, labels, crowd, area = map(torch.from_numpy, (one.boxes, one.labels, one.crowd, one.area))
        return self.prepare.sample(
            Sample(Image(image), None, Instances.of(boxes, labels, crowd, area, masks)), Random(0)
        )


def draw_sample(store: DetectionStore, draw: Random) -> Sample:
    """One of the samples, as likely as any other."""
    return store[draw.randrange(len(store))]


def fits_in_memory(annotated: Sequence[Annotated], masks: bool) -> bool:
    """Whether `cache: auto` keeps these images: three bytes a pixel and one for each mask."""
    planes = ((one.size[0] * one.size[1], 3 + masks * len(one.boxes)) for one in annotated)
    return sum(pixels * deep for pixels, deep in planes) <= CACHE_MB * 2**20


def _table(sample: Sample) -> Instances:
    assert sample.instances is not None
    return sample.instances


def _without_masks(table: Instances) -> Instances:
    return Instances.of(table.boxes, table.labels, table.crowd, table.area)
