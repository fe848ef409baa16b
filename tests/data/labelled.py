"""A folder with labels that lie over each other, drawn so that every count follows from arithmetic."""

from pathlib import Path

import numpy as np

from tests.data.files import save

NAMES = ("roof", "shadow", "road")
SIDE = 16
UNKNOWN = 9


def drawn(shift: int = 0) -> dict[str, np.ndarray]:
    """Roof in columns 2 … 7 and shadow in 5 … 10, road in rows 12 … 15, all rolled along by `shift`.

    Roof 96 pixels, of them 24 road; shadow the same; both in three columns; road 64.
    """
    maps = {name: np.zeros((SIDE, SIDE), bool) for name in NAMES}
    maps["roof"][:, 2:8] = maps["shadow"][:, 5:11] = maps["road"][12:] = True
    return {name: np.roll(each, shift, 1) for name, each in maps.items()}


def seen(maps: dict[str, np.ndarray]) -> np.ndarray:
    """An image whose red, green and blue are the labels."""
    return np.stack([maps[name] * 255 for name in NAMES], -1).astype(np.uint8)


def labelled(folder: Path, splits: dict[str, int], yes: int = 255) -> Path:
    """Images and a mask for each label; in the shadow masks the first row is unknown."""
    lines = ["name,split"]
    for split, count in splits.items():
        for i in range(count):
            name, maps = f"{split}{i}", drawn(len(lines))
            save(folder / "images" / f"{name}.png", seen(maps))
            for label, each in maps.items():
                mask = (each * yes).astype(np.uint8)
                if label == "shadow":
                    mask[0] = UNKNOWN
                save(folder / "masks" / label / f"{name}.png", mask)
            lines.append(f"{name},{split}")
    (folder / "split.csv").write_text("\n".join(lines) + "\n")
    return folder
