"""Outlines of objects, polygons or run lengths, and the masks they stand for, drawn as COCO draws them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Polygons:
    """Polygons whose union is the object.

    Args:
        parts: each x, y, x, y, … in pixels, three points or more.
    """

    parts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Runs:
    """Lengths of runs of background and object in turn, down the columns of an image.

    Args:
        counts: the lengths, or COCO's compressed text of them.
        size: height and width of the image.
    """

    counts: tuple[int, ...] | str
    size: tuple[int, int]


Outline = Polygons | Runs


def read_outline(entry: Any, size: tuple[int, int] | None = None) -> Outline:
    """The outline that a COCO `segmentation` stands for.

    Args:
        entry: a list of polygons, or {counts, size}.
        size: height and width of the image, where known, which run lengths must agree with.

    Raises:
        ValueError: what is wrong with it.
    """
    if isinstance(entry, dict) and set(entry) >= {"counts", "size"}:
        return _read_runs(entry["counts"], entry["size"], size)
    if not isinstance(entry, list) or not entry:
        raise ValueError("has a segmentation that is neither a list of polygons nor {counts, size}; export it again")
    for part in entry:
        legal = isinstance(part, list) and len(part) >= 6 and len(part) % 2 == 0
        if not legal or not all(_is_number(value) for value in part):
            came = f"{len(part)} numbers" if isinstance(part, list) else repr(part)[:40]
            raise ValueError(
                f"has a polygon that is not x, y of three points or more; got {came}; remove or correct it"
            )
    return Polygons(tuple(tuple(map(float, part)) for part in entry))


def _read_runs(counts: Any, held: Any, size: tuple[int, int] | None) -> Runs:
    if not isinstance(held, list) or len(held) != 2 or not all(type(side) is int and side > 0 for side in held):
        raise ValueError(f"has run lengths whose size is not [height, width]; got {held!r:.40}; export it again")
    height, width = held
    if size not in (None, (height, width)):
        assert size is not None
        came = f"has run lengths for {width}x{height} pixels (width x height), but its image is {size[1]}x{size[0]}"
        raise ValueError(f"{came}; export it at the size of the image")
    if isinstance(counts, str):
        runs = Runs(counts, (height, width))
        try:
            total = sum(_decompressed(counts))
        except ValueError:
            total = -1
    elif isinstance(counts, list) and all(type(count) is int and count >= 0 for count in counts):
        runs = Runs(tuple(counts), (height, width))
        total = sum(counts)
    else:
        raise ValueError(
            f"has run lengths that are no list of numbers and no text; got {counts!r:.40}; export it again"
        )
    if total != height * width:
        raise ValueError(f"has run lengths that do not add up to {width}x{height} pixels; export it again")
    return runs


def _decompressed(text: str) -> list[int]:
    """The run lengths in COCO's text: five bits a character, differences from the run before the last."""
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text):
                raise ValueError("ends within a number")
            bits = ord(text[place]) - 48
            if not 0 <= bits < 64:
                raise ValueError("holds a character that COCO does not write")
            value |= (bits & 31) << shift
            more = bool(bits & 32)
            place, shift = place + 1, shift + 5
            if not more and bits & 16:
                value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    if min(counts, default=0) < 0:
        raise ValueError("holds a run of less than nothing")
    return counts


def draw_outline(outline: Outline, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The mask of an object: [H, W], 1 on it and 0 elsewhere.

    Args:
        outline: of the object.
        size: height and width of the image.
    """
    from faster_coco_eval.core import mask as coco

    if isinstance(outline, Polygons):
        runs = coco.merge(coco.frPyObjects([list(part) for part in outline.parts], *size))
    elif isinstance(outline.counts, str):
        runs = {"counts": outline.counts.encode("ascii"), "size": list(outline.size)}
    else:
        runs = coco.frPyObjects({"counts": list(outline.counts), "size": list(outline.size)}, *size)
    mask: NDArray[np.uint8] = np.ascontiguousarray(coco.decode(runs), dtype=np.uint8)
    return mask


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
