"""Small image files and data folders, written by hand where Pillow has no writer."""

import gzip
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int = 0, height: int = 6, width: int = 8) -> np.ndarray:
    """RGB noise, another picture for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def labels(height: int = 6, width: int = 8, lake: int = 5, value: int = 1) -> np.ndarray:
    """Background, but for the first `lake` pixels."""
    mask = np.zeros((height, width), np.uint8)
    mask.ravel()[:lake] = value
    return mask


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def folder(
    path: Path, names: Sequence[str] = "abcdefgh", split: Mapping[str, str] | None = None, lake: int = 5, value: int = 1
) -> Path:
    """A sound data folder: PNG pictures, masks with `lake` pixels of `value`, a split file if asked for."""
    for seed, name in enumerate(names):
        save(path / "images" / f"{name}.png", picture(seed))
        save(path / "masks" / f"{name}.png", labels(lake=lake, value=value))
    if split is not None:
        rows = "".join(f"{name},{part}\n" for name, part in split.items())
        (path / "split.csv").write_text(f"name,split\n{rows}")
    return path


def png(path: Path, rows: Sequence[bytes], width: int, depth: int, colour: int) -> Path:
    """A PNG file of any bit depth: rows of packed samples; colour 0 is grey, 2 RGB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


def deep_tiff(path: Path, width: int = 4, height: int = 3) -> Path:
    """A TIFF file of RGB with 16 bits a channel."""
    data = bytes(width * height * 6)
    bits_at, data_at = 8, 14
    entries = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, data_at),
        (277, 3, 1, 3),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = struct.pack("<2sHI", b"II", 42, data_at + len(data)) + struct.pack("<3H", 16, 16, 16)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start + data + directory + bytes(4))
    return path


def idx(path: Path, array: np.ndarray, compressed: bool = False) -> Path:
    """An IDX file of unsigned bytes, as the MNIST family has them."""
    content = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if compressed else content)
    return path


def shades(path: Path, counts: Mapping[str, int], side: int = 6) -> Path:
    """Image folders by class, such as `{"train/cat": 3}`; each class has a grey of its own, with a little noise."""
    greys = {name: 40 * i for i, name in enumerate(sorted({folder.rpartition("/")[2] for folder in counts}))}
    for folder, count in counts.items():
        for i in range(count):
            noise = picture(seed=i + len(folder), height=side, width=side) // 16
            save(path / folder / f"{i:02}.png", (noise + greys[folder.rpartition("/")[2]]).astype(np.uint8))
    return path
