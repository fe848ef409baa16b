"""The files that a run leaves beside its log: texts, documents and pictures; a damaged one is noted, not fatal."""

import json
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Masks = TypeVar("Masks")


class Tile(NamedTuple):
    """A validation image with its truth and what the model said."""

    name: str
    score: float
    image: Pixels
    truth: Pixels
    predicted: Pixels
    prob: Pixels


class Strip(NamedTuple):
    """Pictures of one sample that a task has drawn, and a line about them; `score` is NaN where there is none."""

    name: str
    note: str
    score: float
    panels: list[Pixels]


class Strips(NamedTuple):
    """Samples in the order of their file, and what each of their panels shows."""

    headings: list[str]
    samples: list[Strip]


class Augmented(NamedTuple):
    """A training image with its mask, and versions of both as training sees them."""

    name: str
    original: tuple[Pixels, Pixels]
    versions: list[tuple[Pixels, Pixels]]


class Snapshot(NamedTuple):
    """A picture of where training stood after an epoch."""

    epoch: int
    picture: Pixels


def read_text(path: Path, unreadable: list[str]) -> str:
    """A file's text, empty where there is none; a file that can't be read is added to `unreadable`."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        unreadable.append(path.name)
        return ""


def read_mapping(parse: Any, text: str, name: str, unreadable: list[str]) -> Mapping[str, Any]:
    """A document that should be a mapping; where it is none, its name is added to `unreadable`."""
    if not text:
        return {}
    try:
        document = parse(text)
    except (ValueError, yaml.YAMLError):
        document = None
    if not isinstance(document, dict):
        unreadable.append(name)
        return {}
    return document


def read_arrays(path: Path, unreadable: list[str]) -> Mapping[str, NDArray[Any]]:
    """The arrays of an npz file, none where there is no file; a damaged one is added to `unreadable`."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        unreadable.append(path.name)
        return {}


def read_pictures(
    path: Path, of_masks: Callable[[Mapping[str, NDArray[Any]]], list[Masks]], unreadable: list[str]
) -> tuple[list[Masks], Strips]:
    """The samples of an npz file, by `of_masks` or as strips; one that lacks something is added to `unreadable`."""
    arrays = read_arrays(path, unreadable)
    try:
        return of_masks(arrays), strips_of(arrays)
    except (KeyError, IndexError, TypeError, ValueError):
        unreadable.append(path.name)
        return [], Strips([], [])


def read_snapshots(folder: Path, unreadable: list[str]) -> list[Snapshot]:
    """Pictures named for their epochs, the first epoch first; a damaged one is added to `unreadable`."""
    found = []
    for path in sorted(folder.glob("*.png")):
        try:
            with Image.open(path) as file:
                found.append(Snapshot(int(path.stem), np.asarray(file.convert("RGB"))))
        except (OSError, ValueError, SyntaxError):  # Pillow's errors for files that are no pictures
            unreadable.append(f"{folder.name}/{path.name}")
    return sorted(found)


def tiles_of(arrays: Mapping[str, NDArray[Any]]) -> list[Tile]:
    """The tiles of a wall.npz of masks, in its order."""
    count = sum(key.startswith("image_") for key in arrays)
    return [
        Tile(
            str(arrays["names"][i]),
            float(arrays["scores"][i]),
            *(arrays[f"{part}_{i}"] for part in ("image", "truth", "predicted", "prob")),
        )
        for i in range(count)
    ]


def samples_of(arrays: Mapping[str, NDArray[Any]]) -> list[Augmented]:
    """The samples of an augmented.npz that has masks."""
    samples: list[Augmented] = []
    while f"original_mask_{len(samples)}" in arrays:
        i = len(samples)
        versions: list[tuple[Pixels, Pixels]] = []
        while f"augmented_{i}_{len(versions)}" in arrays:
            j = len(versions)
            versions.append((arrays[f"augmented_{i}_{j}"], arrays[f"augmented_mask_{i}_{j}"]))
        samples.append(
            Augmented(str(arrays["names"][i]), (arrays[f"original_{i}"], arrays[f"original_mask_{i}"]), versions)
        )
    return samples


def strips_of(arrays: Mapping[str, NDArray[Any]]) -> Strips:
    """The samples of an npz file that holds `panel_0_0`, `panel_0_1`, ...; none where it holds no such array.

    Samples of augmentation without masks are read likewise: `original_0`, `augmented_0_0`, ...
    """
    samples: list[Strip] = []
    plain = "original_mask_0" not in arrays
    while panels := [
        *_numbered(arrays, f"panel_{len(samples)}_"),
        *([arrays[f"original_{len(samples)}"]] if plain and f"original_{len(samples)}" in arrays else []),
        *(_numbered(arrays, f"augmented_{len(samples)}_") if plain else []),
    ]:
        i = len(samples)
        name, note, score = (arrays[part][i] if part in arrays else None for part in ("names", "notes", "scores"))
        samples.append(
            Strip(
                "" if name is None else str(name),
                "" if note is None else str(note),
                math.nan if score is None else float(score),
                [_picture(panel) for panel in panels],
            )
        )
    headings = _headings(arrays.get("panel_names"))
    if plain and "original_0" in arrays and not headings:
        headings = ["original", *(f"augmented {j}" for j in range(1, len(samples[0].panels)))]
    return Strips(headings, samples)


def _numbered(arrays: Mapping[str, NDArray[Any]], start: str) -> list[NDArray[Any]]:
    """The arrays whose names go on with 0, 1, 2, ..."""
    found: list[NDArray[Any]] = []
    while f"{start}{len(found)}" in arrays:
        found.append(arrays[f"{start}{len(found)}"])
    return found


def _picture(array: NDArray[Any]) -> Pixels:
    """A panel as colours."""
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"a panel is uint8 [H, W, 3]; got {array.dtype} {list(array.shape)}")
    return array


def _headings(names: NDArray[Any] | None) -> list[str]:
    """The names of the panels: an array of them, or one text that holds them as JSON."""
    if names is None:
        return []
    return [str(name) for name in (json.loads(str(names)) if names.ndim == 0 else names)]
