"""Files that are whole or not there: written aside, then renamed."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PALETTE = (86, 180, 233, 230, 159, 0, 0, 158, 115, 240, 228, 66, 204, 121, 167, 213, 94, 0, 0, 114, 178) * 36
"""Red, green and blue of classes 1, 2, 3, …: Okabe and Ito's colours, which those who see fewer can tell apart."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """The place to write a file's new content; it takes the file's name when the block ends well.

    Raises:
        OSError: the content could not be written; the file is as it was.
    """
    aside = path.with_name(path.name + ".tmp")
    try:
        yield aside
        os.replace(aside, path)
    except OSError as error:
        reason = f"{path} could not be written: {error.strerror}; make room and resume the run"
        raise OSError(error.errno, reason) from error
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, with null for what is not a number.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    with written_aside(path) as aside:
        aside.write_text(json.dumps(_plain(content), indent=1, allow_nan=False), "utf-8")


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays by name, as npz.

    Raises:
        OSError: they could not be written; the file is as it was.
    """
    with written_aside(path) as aside, open(aside, "wb") as file:
        named: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez_compressed(file, **named)


def write_picture(path: Path, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Write a picture as PNG: RGB, uint8 [H, W, 3], or class indices, uint8 [H, W], which get a palette to be seen by.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        image = Image.fromarray(pixels)
        if pixels.ndim == 2:
            image.putpalette([0, 0, 0, *PALETTE])
        image.save(aside, "PNG")


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
