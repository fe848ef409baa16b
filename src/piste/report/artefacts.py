"""The files that a run leaves beside its log: texts, documents and pictures; a damaged one is noted, not fatal."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Tile(NamedTuple):
    """A validation image with its truth and what the model said."""

    name: str
    score: float
    image: Pixels
    truth: Pixels
    predicted: Pixels
    prob: Pixels


class Augmented(NamedTuple):
    """A training image with its mask, and versions of both as training sees them."""

    name: str
    original: tuple[Pixels, Pixels]
    versions: list[tuple[Pixels, Pixels]]


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


def tiles_of(arrays: Mapping[str, NDArray[Any]]) -> list[Tile]:
    """The tiles of a wall.npz, in its order."""
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
    """The samples of an augmented.npz."""
    samples: list[Augmented] = []
    while f"original_{len(samples)}" in arrays:
        i = len(samples)
        versions: list[tuple[Pixels, Pixels]] = []
        while f"augmented_{i}_{len(versions)}" in arrays:
            j = len(versions)
            versions.append((arrays[f"augmented_{i}_{j}"], arrays[f"augmented_mask_{i}_{j}"]))
        samples.append(
            Augmented(str(arrays["names"][i]), (arrays[f"original_{i}"], arrays[f"original_mask_{i}"]), versions)
        )
    return samples
