"""Images and the boxes in them, as the files of any format say, and what is checked of them whatever the format."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from piste.data.detection.outlines import Outline
from piste.data.images import read_size
from piste.data.problems import DataError, Problem
from piste.names import nearest

MARGIN = 1.0
"""How far a box may reach beyond its image, in pixels, and be clipped without a word: rounding does so."""


class Marked(NamedTuple):
    """One object, as a file says.

    Args:
        where: what to call it in a message, such as `annotation 17`.
        kind: name of its class.
        box: left, top, right, bottom in pixels.
        crowd: whether it counts for nothing: several objects in one, or one that is too hard to tell.
        area: in pixels, where the file says it.
        outline: of the object, where the file has one and it is asked for.
    """

    where: str
    kind: str
    box: tuple[float, float, float, float]
    crowd: bool = False
    area: float | None = None
    outline: Outline | None = None


@dataclass(frozen=True)
class Listed:
    """An image and its objects, as a file says.

    Args:
        image: path of the image.
        source: the file that says so.
        split: train, val or test, where the files say it.
        marks: the objects.
        size: height and width, where the file says them.
    """

    image: Path
    source: Path
    split: str | None
    marks: list[Marked]
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Reading:
    """What a reader found.

    Args:
        listed: images with their objects.
        class_names: the classes that the files name, in their order.
        problems: what could not be read.
        numbers: what the files number the classes with, where they do so themselves.
    """

    listed: list[Listed]
    class_names: list[str]
    problems: list[Problem] = field(default_factory=list)
    numbers: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Annotated:
    """An image and its objects, n of them, verified.

    Args:
        name: the image's stem; its path in the data folder, without the suffix, where several have that stem.
        image: path of the image.
        size: height and width.
        boxes: float32 [n, 4], left, top, right, bottom in pixels, inside the image.
        labels: int64 [n], 1 for the first class.
        crowd: bool [n].
        area: float32 [n], in pixels.
        outlines: n outlines, or none where they are not asked for.
    """

    name: str
    image: Path
    size: tuple[int, int]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    area: NDArray[np.float32]
    outlines: tuple[Outline, ...] = ()


def name_images(listed: Sequence[Listed], folder: Path) -> dict[Path, str]:
    """A name for each image: its stem, or its path in the folder where several have that stem."""
    stems = Counter(one.image.stem for one in listed)
    names = {}
    for one in listed:
        lone = stems[one.image.stem] == 1
        inside = one.image.relative_to(folder) if one.image.is_relative_to(folder) else one.image
        names[one.image] = one.image.stem if lone else inside.with_suffix("").as_posix()
    return names


def verify(
    listed: Listed, name: str, class_names: Sequence[str], *, clip: bool, masks: bool
) -> tuple[Annotated | None, list[Problem]]:
    """An image with its objects checked, and what is wrong with them.

    Args:
        listed: as read.
        name: what to call the image.
        class_names: the classes there are.
        clip: whether boxes that reach beyond the image are clipped.
        masks: whether each object needs an outline.
    """
    try:
        size = read_size(listed.image)
    except DataError as error:
        return None, list(error.problems)
    if listed.size not in (None, size):
        height, width = listed.size or (0, 0)
        came = (
            f"says that {listed.image.name} is {width}x{height} pixels (width x height), but it is {size[1]}x{size[0]}"
        )
        return None, [Problem(listed.source, f"{came}; put boxes and image at one scale")]
    index = {kind: place + 1 for place, kind in enumerate(class_names)}
    problems, rows, outlines = [], [], []
    for mark in listed.marks:
        why, box = _why_unfit(mark, size, index, clip)
        if why is None and masks and mark.outline is None:
            why = "has no outline to draw a mask from; add its segmentation, or read boxes alone"
        if why is not None:
            problems.append(Problem(listed.source, f"{mark.where} of {listed.image.name} {why}"))
            continue
        area = (box[2] - box[0]) * (box[3] - box[1]) if mark.area is None else mark.area
        rows.append((*box, index[mark.kind], mark.crowd, area))
        if masks and mark.outline is not None:
            outlines.append(mark.outline)
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    return Annotated(
        name,
        listed.image,
        size,
        table[:, :4].astype(np.float32),
        table[:, 4].astype(np.int64),
        table[:, 5].astype(np.bool_),
        table[:, 6].astype(np.float32),
        tuple(outlines),
    ), problems


def _why_unfit(
    mark: Marked, size: tuple[int, int], index: Mapping[str, int], clip: bool
) -> tuple[str | None, tuple[float, ...]]:
    """What is wrong with an object, if anything, and its box inside the image."""
    left, top, right, bottom = mark.box
    height, width = size
    shown = f"the box {', '.join(f'{edge:g}' for edge in mark.box)} (left, top, right, bottom)"
    inside = (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height))
    if mark.kind not in index:
        return f"has the class {mark.kind}, which data.classes lacks; {nearest(mark.kind, index)}", inside
    if not all(map(math.isfinite, mark.box)):
        return f"has {shown}, which is not finite; correct it", inside
    if right < left or bottom < top:
        return f"has {shown}, whose right or bottom comes before its left or top; swap them", inside
    if right == left or bottom == top:
        return f"has {shown}, which has no area; remove it or correct it", inside
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return f"has {shown}, which lies outside of the {width}x{height} pixels (width x height); correct it", inside
    beyond = max(-left, -top, right - width, bottom - height)
    if beyond > MARGIN and not clip:
        rule = f"which reaches {beyond:g} pixels beyond the {width}x{height} of its image (width x height)"
        return f"has {shown}, {rule}; correct it or set data.clip to true", inside
    return None, inside
