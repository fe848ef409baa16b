"""Masks: the values or colours of a file, turned into the indices of classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from piste.data.counts import IGNORE_INDEX
from piste.data.images import DEEP_GREY, open_image, upright
from piste.data.outlined import OutlinedMask
from piste.data.problems import DataError, Problem

Colour = tuple[int, int, int]
IN_COLOUR = "is a mask in colour, but data.classes names values; give each class its colour, such as lake: [0, 0, 255]"


@dataclass(frozen=True)
class Codes:
    """Which class each value, or each colour, of a mask stands for.

    Args:
        keys: values, or colours as 65536 r + 256 g + b, in rising order.
        indices: the class of each, or `IGNORE_INDEX`.
        colours: whether the keys are colours.
    """

    keys: tuple[int, ...]
    indices: tuple[int, ...]
    colours: bool

    @classmethod
    def of(cls, classes: Mapping[str, int | Colour], ignore: Sequence[int | Colour] = ()) -> Self:
        """The codes of a recipe: classes in their order, and what is to be ignored."""
        meanings = [*enumerate(classes.values()), *((IGNORE_INDEX, value) for value in ignore)]
        pairs = sorted((_key(value), index) for index, value in meanings)
        keys, indices = zip(*pairs, strict=True)
        return cls(keys, indices, colours=any(isinstance(value, tuple) for value in classes.values()))


def read_mask(mask: Path | OutlinedMask, codes: Codes) -> NDArray[np.uint8]:
    """The mask of a file, or one drawn from outlines, as indices of classes.

    A mask of values may be grey of 8, 16 or 32 bits, a palette image (its indices count, not its colours), or a
    colour image whose channels agree. A mask of colours may be RGB, or a palette image (its colours count); an alpha
    channel is dropped. In a mask of one bit, black is 0 and white is 255 where a class has that value and none has
    1; otherwise white is 1.

    Returns:
        [H, W], the indices of classes or `IGNORE_INDEX`.

    Raises:
        DataError: the file is broken, of a kind that can't hold classes, or holds a value that no class has.
    """
    if isinstance(mask, OutlinedMask):
        return _draw(mask, codes)
    values = read_values(mask, codes.colours, white=255 if 255 in codes.keys and 1 not in codes.keys else 1)
    return _coded(mask, values, np.zeros(values.shape, dtype=np.bool_), codes)


def _draw(mask: OutlinedMask, codes: Codes) -> NDArray[np.uint8]:
    if codes.colours:
        rule = "holds outlines, whose values are the ids of categories, but data.classes names colours; give ids"
        raise DataError(Problem(mask.source, rule))
    return _coded(mask.source, *mask.draw(), codes)


def _coded(path: Path, values: NDArray[np.int64], ignored: NDArray[np.bool_], codes: Codes) -> NDArray[np.uint8]:
    keys = np.array(codes.keys)
    places = np.searchsorted(keys, values).clip(max=len(keys) - 1)
    unknown = (keys[places] != values) & ~ignored
    if unknown.any():
        raise DataError(Problem(path, _name_unknown(path, values[unknown], codes)))
    indices: NDArray[np.uint8] = np.array(codes.indices, dtype=np.uint8)[places]
    indices[ignored] = IGNORE_INDEX
    return indices


def find_values(mask: Path | OutlinedMask) -> set[int]:
    """Every value that occurs in a mask.

    Raises:
        DataError: the file is broken, or is no mask of values.
    """
    if isinstance(mask, OutlinedMask):
        return set(np.unique(mask.draw()[0]).tolist())
    return set(np.unique(read_values(mask, colours=False, white=1)).tolist())


def read_values(path: Path, colours: bool, white: int, in_colour: str = IN_COLOUR) -> NDArray[np.int64]:
    """What stands in a mask's file: a value for each pixel, or a colour as one number.

    Args:
        path: the file.
        colours: whether colours are wanted.
        white: the value of white in a mask of one bit.
        in_colour: what is said of a mask in colour where values are wanted.

    Raises:
        DataError: the file is broken, or of another kind.
    """
    with open_image(path) as file:
        _refuse_scaled(path, file)
        image = upright(file)
        if colours and image.mode in ("RGB", "RGBA", "RGBX", "P", "PA"):
            colour = np.array(image.convert("RGB"), dtype=np.int64)
            return _join(colour[:, :, 0], colour[:, :, 1], colour[:, :, 2])
        if colours:
            raise DataError(
                Problem(
                    path,
                    f"is a mask of kind {image.mode}, but data.classes names colours; give values, or "
                    f"save the mask as RGB",
                )
            )
        if image.mode == "1":
            return np.array(image, dtype=np.int64) * white
        if image.mode in ("L", "P") or (image.mode in DEEP_GREY and image.mode != "F"):
            return np.array(image, dtype=np.int64)
        if image.mode in ("RGB", "RGBA", "RGBX"):
            channels = np.array(image.convert("RGB"), dtype=np.int64)
            if (channels == channels[:, :, :1]).all():
                return channels[:, :, 0]
            raise DataError(Problem(path, in_colour))
        raise DataError(Problem(path, f"is a mask of kind {image.mode}; save it as grey, palette or RGB"))


def _refuse_scaled(path: Path, image: ImageFile) -> None:
    """Grey of 2 or 4 bits: Pillow spreads its values over 0 … 255, other tools don't."""
    if image.mode == "L" and str(image.tile[0][3]).startswith(("L;2", "L;4")):
        raise DataError(Problem(path, "is a mask with grey of 2 or 4 bits; save it with 8"))


def _name_unknown(path: Path, values: NDArray[np.int64], codes: Codes) -> str:
    found, counts = np.unique(values, return_counts=True)
    named = [
        f"{_spell(int(value), codes.colours)} ({count} px)" for value, count in zip(found[:5], counts[:5], strict=True)
    ]
    more = f" and {len(found) - 5} more values" if len(found) > 5 else ""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        cure = "JPEG changes values; save masks as PNG"
    else:
        cure = "add them to data.classes or data.ignore"
    known = ", ".join(_spell(key, codes.colours) for key in codes.keys[:8])
    return f"holds values that no class has: {', '.join(named)}{more}; classes have {known}; {cure}"


def _key(value: int | Colour) -> int:
    return value if isinstance(value, int) else 65536 * value[0] + 256 * value[1] + value[2]


def _join(red: NDArray[np.int64], green: NDArray[np.int64], blue: NDArray[np.int64]) -> NDArray[np.int64]:
    return 65536 * red + 256 * green + blue


def _spell(key: int, colours: bool) -> str:
    return str([key >> 16, key >> 8 & 255, key & 255]) if colours else str(key)
