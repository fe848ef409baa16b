"""Images that come as arrays, as plain Python: IDX files and scikit-learn's digits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from piste.data.idx import find_fashion_mnist, find_idx
from piste.data.script.text import assigned, block, numbers

SPLITS = ("train", "val")


def arrays_as_code(path: str, *, labels: bool) -> tuple[list[str], list[str]]:
    """Constants, and code with `load()`: all images, uint8 [N, H, W], and what they are.

    Args:
        path: of a recipe: digits, fashion, or a folder of IDX files.
        labels: whether labels are asked for, too; the images alone are returned otherwise.
    """
    if path == "digits":
        return [], [block(_DIGITS if labels else _DIGITS_ALONE)]
    folder = (find_fashion_mnist() if path == "fashion" else Path(path).expanduser()).resolve()
    return [f'DATA = Path("{folder.as_posix()}")'], [block(_READ_IDX), _load_idx(folder, labels=labels)]


def places_as_code(splits: Mapping[str, Sequence[int]], count: int) -> tuple[list[str], list[str]]:
    """Constants that hold which of all images the splits have, and of train and val how that is read.

    Args:
        splits: places by split.
        count: of all images.
    """
    others = {place for split, places in splits.items() if split != "train" for place in places}
    read = {split: numbers(split.upper(), list(places)) for split, places in splits.items()}
    if list(splits["train"]) != [i for i in range(count) if i not in others]:
        return [read[split].code for split in SPLITS], [read[split].read for split in SPLITS]
    apart = [split for split in splits if split != "train"]
    left = " - ".join(f"{{*{read[split].read}}}" for split in apart)
    lists = [*(read[split].code for split in apart), f"TRAIN = sorted({{*range({count})}} - {left})"]
    return lists, ["TRAIN", read["val"].read]


def _load_idx(folder: Path, *, labels: bool) -> str:
    """Images and labels of IDX files, those of all splits one after the other."""
    found = find_idx(folder).values()
    if not labels:
        names = assigned("names", [images.name for images, _ in found], prefix=" " * 16)
        return block(f'''
            @cache
            def load() -> np.ndarray:
                """All images, [N, H, W]."""
{names}
                return np.concatenate([read_idx(DATA / name) for name in names])
        ''')
    rows = assigned("files", [(images.name, labels.name) for images, labels in found], prefix=" " * 12)
    return block(f'''
        @cache
        def load() -> tuple[np.ndarray, np.ndarray]:
            """All images, [N, H, W], and what they are."""
{rows}
            pixels, labels = ([read_idx(DATA / name) for name in names] for names in zip(*files, strict=True))
            return np.concatenate(pixels), np.concatenate(labels)
    ''')


_DIGITS = '''
    @cache
    def load() -> tuple[np.ndarray, np.ndarray]:
        """Scikit-learn's digits, their 17 shades as 0 … 255, and what they are."""
        digits = load_digits()
        return (digits.images * (255 / 16)).round().astype(np.uint8), digits.target
'''

_DIGITS_ALONE = '''
    @cache
    def load() -> np.ndarray:
        """Scikit-learn's digits, their 17 shades as 0 … 255."""
        return (load_digits().images * (255 / 16)).round().astype(np.uint8)
'''

_READ_IDX = '''
    def read_idx(path: Path) -> np.ndarray:
        """The bytes behind the header of an IDX file, which may be compressed."""
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\\x1f\\x8b" else content
        axes = content[3]
        shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
'''
