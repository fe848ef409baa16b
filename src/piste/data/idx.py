"""IDX files, the format of the MNIST family: a few numbers of header, then bytes; often compressed by gzip."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from piste.data.problems import DataError, Problem

UNSIGNED_BYTES = 0x08
FASHION_FOLDERS = ("/usr/share/datasets/fashion-mnist", "~/.cache/piste/fashion-mnist")
FASHION_VARIABLE = "PISTE_FASHION_MNIST"
FASHION_CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "boot"),
)


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes, which may be compressed by gzip.

    Args:
        path: the file.
        axes: how many axes it must have: 3 for images [N, H, W], 1 for labels [N].

    Raises:
        DataError: it is no such file, or cut short.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise DataError(Problem(path, "no such file")) from None
    except (OSError, EOFError) as error:
        raise DataError(Problem(path, f"can't be read ({error}); restore the file")) from None
    header = 4 + 4 * axes
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTES)):
        raise DataError(Problem(path, f"is no IDX file of bytes: it starts with {content[:4].hex(' ') or 'nothing'}"))
    if content[3] != axes:
        raise DataError(Problem(path, f"is an array of {content[3]} axes; one of {axes} belongs here"))
    if len(content) < header:
        raise DataError(Problem(path, f"holds {len(content)} bytes, less than its header; restore the file"))
    shape = struct.unpack(f">{axes}I", content[4:header])
    size = int(np.prod(shape, dtype=np.int64))
    if len(content) - header != size:
        form = "x".join(map(str, shape))
        came = f"holds {len(content) - header} bytes, and its header speaks of {form}"
        raise DataError(Problem(path, f"{came}; restore the file"))
    array: NDArray[np.uint8] = np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()
    return array


def find_idx(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The pairs of files of images and labels in a folder: `train`, `val` and `test`, whichever there are.

    Named `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…` or `test-…`, `val-…`, with `.gz` or without.

    Raises:
        DataError: images without labels, or two files for one split.
    """
    found: dict[str, tuple[Path, Path]] = {}
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    for images in files:
        if "images" not in images.name or "idx3-ubyte" not in images.name:
            continue
        start = images.name.partition("images")[0]
        split = "train" if "train" in start else "val" if "val" in start else "test"
        if split in found:
            raise DataError(
                Problem(images, f"{found[split][0].name} is there, too: keep one of the two in this folder")
            )
        stem = images.name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")
        labels = next((path for path in files if path.name.removesuffix(".gz") == stem), None)
        if labels is None:
            raise DataError(Problem(images, f"its labels are missing: {stem}[.gz] belongs beside it"))
        found[split] = images, labels
    return found


def find_fashion_mnist() -> Path:
    """The folder with the files of Fashion-MNIST (Zalando, 70 000 pictures of clothes, 28 x 28, ten classes).

    Raises:
        FileNotFoundError: says where it is looked for and how to get it.
    """
    named = os.environ.get(FASHION_VARIABLE)
    folders = [Path(folder).expanduser() for folder in ([named] if named else FASHION_FOLDERS)]
    for folder in folders:
        if {"train", "test"} <= find_idx(folder).keys():
            return folder
    raise FileNotFoundError(
        f"Fashion-MNIST is not in {' or '.join(map(str, folders))}: on Debian `apt install dataset-fashion-mnist`"
        " brings it; elsewhere put the four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz,"
        " t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz of github.com/zalandoresearch/fashion-mnist into"
        f" {FASHION_FOLDERS[-1]}, or into a folder that the environment variable {FASHION_VARIABLE} names"
    )
