"""Masks of classes drawn from the outlines of objects that a COCO file holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from piste.data.detection.annotated import Annotated, Listed, Reading, name_images, verify
from piste.data.detection.coco import find_coco, read_coco
from piste.data.detection.outlines import Outline, draw_outline
from piste.data.folder import Listing, Sample
from piste.data.problems import Problem

BACKGROUND = {"background": 0}
"""What no object covers has this value."""


@dataclass(frozen=True)
class OutlinedMask:
    """A mask that is drawn when it is asked for.

    Where objects overlap the smaller one is seen. What a crowd covers and no other object does counts for nothing.

    Args:
        source: the file that holds the outlines.
        size: height and width.
        objects: the value and the outline of each, in the order in which they are drawn.
        crowds: outlines of what counts for nothing.
    """

    source: Path
    size: tuple[int, int]
    objects: tuple[tuple[int, Outline], ...]
    crowds: tuple[Outline, ...]

    def draw(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The value of each pixel, and where nothing counts: both [H, W]."""
        values, ignored = np.zeros(self.size, dtype=np.int64), np.zeros(self.size, dtype=np.bool_)
        for outline in self.crowds:
            ignored |= draw_outline(outline, self.size) > 0
        for value, outline in self.objects:
            inside = draw_outline(outline, self.size) > 0
            values[inside], ignored[inside] = value, False
        return values, ignored


def coco_files(folder: Path, annotations: str | Mapping[str, str] | None) -> dict[str | None, Path]:
    """The COCO files by split: those that are named, or, where there are no `masks/`, those that the folder holds."""
    if isinstance(annotations, str):
        return {None: folder / annotations}
    if annotations is not None:
        return {split: folder / path for split, path in annotations.items()}
    files = {} if (folder / "masks").is_dir() else find_coco(folder)
    return dict.fromkeys([None], *files.values()) if len(files) == 1 else files


def list_outlined(folder: Path, files: Mapping[str | None, Path]) -> Listing:
    """Images and the masks that COCO files stand for.

    The value of an object is the id of its category.

    Args:
        folder: where the data lie.
        files: by split; None where images are dealt out.
    """
    reading = read_coco(folder, files, None, masks=True)
    problems = list(reading.problems)
    names = name_images(reading.listed, folder)
    used = {mark.kind for one in reading.listed for mark in one.marks}
    values = _values(reading, used, next(iter(files.values())), problems)
    samples = []
    for one in reading.listed:
        sound, wrong = verify(one, names[one.image], reading.class_names, clip=True, masks=True)
        problems.extend(wrong)
        if sound is not None and not wrong:
            samples.append(Sample(sound.name, sound.image, _mask(one, sound, reading.class_names, values), sound.size))
    splits = {names[one.image]: one.split for one in reading.listed if one.split is not None}
    return Listing(samples, sorted(names.values()), problems, BACKGROUND | values, splits or None)


def _mask(listed: Listed, sound: Annotated, class_names: list[str], values: Mapping[str, int]) -> OutlinedMask:
    order = sorted(range(len(sound.outlines)), key=lambda place: (-sound.area[place], place))
    objects, crowds = [], []
    for place in order:
        value = values.get(class_names[sound.labels[place] - 1], 0)
        if sound.crowd[place]:
            crowds.append(sound.outlines[place])
        else:
            objects.append((value, sound.outlines[place]))
    return OutlinedMask(listed.source, sound.size, tuple(objects), tuple(crowds))


def _values(reading: Reading, used: Collection[str], path: Path, problems: list[Problem]) -> dict[str, int]:
    """The id of each category that is used, as a value of a mask."""
    values = {}
    for name in reading.class_names:
        number = reading.numbers.get(name)
        if name not in used:
            continue
        if name == "background":
            problems.append(
                Problem(path, "has a category called background, which is what no object covers; rename it")
            )
        elif not isinstance(number, int) or not 0 < number <= 65535:
            cure = "the value of its pixels; give it a number of 1 … 65535"
            problems.append(Problem(path, f"gives the category {name} the id {number!r}, which can't be {cure}"))
        else:
            values[name] = number
    return values
