"""Where images come from: files, or an array that holds them all."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.data.images import read_image, read_size
from piste.data.problems import DataError, Problem


class Pictures(ABC):
    """Images by index, each with a name.

    Attributes:
        names: what each image is called, in order; all differ.
        sizes: height and width of each image.
        in_memory: whether reading one takes no decoding.
    """

    names: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    in_memory: ClassVar[bool] = False

    @abstractmethod
    def read(self, index: int) -> Tensor:
        """An image as it comes: uint8 [3, H, W].

        Raises:
            DataError: it can't be read.
        """


@final
class ImageFiles(Pictures):
    """PNG, JPEG and TIFF files. Their sizes are read from their headers, at once.

    Args:
        paths: the files.
        names: what each is called.
        window: the values shown as black and white of images with more than 8 bits.

    Raises:
        DataError: files that can't be read, all of them.
    """

    def __init__(self, paths: Sequence[Path], names: Sequence[str], window: tuple[float, float] | None = None) -> None:
        self.paths = tuple(paths)
        self.window = window
        self.names = tuple(names)
        sizes: list[tuple[int, int]] = []
        problems: list[Problem] = []
        for path in self.paths:
            try:
                sizes.append(read_size(path))
            except DataError as error:
                problems.extend(error.problems)
        if problems:
            raise DataError(*problems)
        self.sizes = sizes

    def read(self, index: int) -> Tensor:
        """Decode a file."""
        return torch.from_numpy(read_image(self.paths[index], self.window)).permute(2, 0, 1).contiguous()


@final
class ImageArray(Pictures):
    """Images of one size in one array.

    Args:
        pixels: uint8 [N, H, W], grey, or [N, H, W, 3].
        names: what each is called.
    """

    in_memory: ClassVar[bool] = True

    def __init__(self, pixels: NDArray[np.uint8], names: Sequence[str]) -> None:
        self.pixels = pixels
        self.names = tuple(names)
        self.sizes = [(pixels.shape[1], pixels.shape[2])] * len(pixels)

    def read(self, index: int) -> Tensor:
        """Copy an image, grey as RGB."""
        image = torch.from_numpy(self.pixels[index])
        return image.expand(3, -1, -1).contiguous() if image.ndim == 2 else image.permute(2, 0, 1).contiguous()


def numbered(prefix: str, count: int) -> list[str]:
    """Names for images that have none.

    Example:
        >>> numbered("train", 12)[:2]
        ['train/00', 'train/01']
    """
    digits = len(str(max(count - 1, 0)))
    return [f"{prefix}/{i:0{digits}}" for i in range(count)]


def refuse_mixed_sizes(pictures: Pictures, indices: Sequence[int], cure: str) -> None:
    """Refuse images that no batch could hold together.

    Raises:
        DataError: names two of different sizes.
    """
    first = indices[0]
    for index in indices:
        if pictures.sizes[index] != pictures.sizes[first]:
            (height, width), (h, w) = pictures.sizes[index], pictures.sizes[first]
            came = f"is {width}x{height} pixels (width x height), but {pictures.names[first]} is {w}x{h}"
            raise DataError(Problem(Path(pictures.names[index]), f"{came}; {cure}"))
