"""Decoded samples: read when asked for, or all at once and kept in memory."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.tv_tensors import Image, Mask

from piste.data import augment
from piste.data.augment import Pipeline
from piste.data.folder import Sample
from piste.data.images import read_image

CACHE_MB = 512
"""What a data set may take, decoded, for `cache: auto` to keep it in memory."""


@final
class Reader:
    """Reads samples as they come from disk, after what the recipe prepares.

    Args:
        decode: reads a sample's mask, indices [H, W].
        window: the values shown as black and white of images with more than 8 bits.
        prepare: what is done to every image, the same each time.
    """

    def __init__(
        self, decode: Callable[[Any], NDArray[np.uint8]], window: tuple[float, float] | None, prepare: Pipeline
    ) -> None:
        self.decode = decode
        self.window = window
        self.prepare = prepare

    def read(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """Image, uint8 [3, H, W], and mask, uint8 [H, W].

        Raises:
            DataError: one of the files can't be read, or the mask holds a value that no class has.
        """
        image = torch.from_numpy(read_image(sample.image, self.window)).permute(2, 0, 1).contiguous()
        return self.prepare(image, torch.from_numpy(self.decode(sample.mask)), Random(0))

    def read_mask(self, sample: Sample) -> NDArray[np.uint8]:
        """The mask alone."""
        mask = torch.from_numpy(self.decode(sample.mask))
        prepared: NDArray[np.uint8] = self.prepare(mask.expand(3, -1, -1), mask, Random(0))[1].numpy()
        return prepared


@final
class Store:
    """The samples of a split, by index.

    With `cached` all of them are read at once, so that a broken file shows before training starts, into one block of
    memory, which forked workers share and others map; otherwise each is read whenever it is asked for.
    """

    def __init__(self, reader: Reader, samples: Sequence[Sample], cached: bool) -> None:
        self.reader = reader
        self.samples = samples
        self._block: Tensor | None = None
        self._places: list[tuple[int, int, int]] = []
        if cached:
            parts = []
            start = 0
            for image, mask in map(reader.read, samples):
                height, width = mask.shape
                self._places.append((start, height, width))
                start += 4 * height * width
                parts += [image.flatten(), mask.flatten()]
            self._block = torch.cat(parts)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Image, uint8 [3, H, W], and mask, uint8 [H, W]; not to be changed in place."""
        if self._block is None:
            return self.reader.read(self.samples[index])
        start, height, width = self._places[index]
        planes = self._block[start : start + 4 * height * width].view(4, height, width)
        return planes[:3], planes[3]


def draw_sample(store: Store, draw: Random) -> augment.Sample:
    """One of the samples, as likely as any other, as augmentation takes it."""
    image, mask = store[draw.randrange(len(store))]
    return augment.Sample(Image(image), Mask(mask))


def fits_in_memory(samples: Sequence[Sample]) -> bool:
    """Whether `cache: auto` keeps these samples: three bytes of image and one of mask a pixel."""
    return sum(4 * sample.size[0] * sample.size[1] for sample in samples) <= CACHE_MB * 2**20
