"""IDX files: what they hold, and what is said of those that are damaged."""

from pathlib import Path

import numpy as np
import pytest

from piste.data.idx import find_fashion_mnist, find_idx, read_idx
from piste.data.problems import DataError
from tests.data.files import idx

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_array_comes_back_as_it_was_written(tmp_path: Path, compressed: bool) -> None:
    assert np.array_equal(read_idx(idx(tmp_path / "x", IMAGES, compressed), axes=3), IMAGES)


def test_damage_is_named(tmp_path: Path) -> None:
    path = idx(tmp_path / "x", IMAGES)
    content = path.read_bytes()
    for damaged, words in (
        (content[:9], "holds 9 bytes, less than its header"),
        (content[:-1], "holds 23 bytes, and its header speaks of 2x3x4"),
        (b"\x89PNG" + content, "is no IDX file of bytes: it starts with 89 50 4e 47"),
        (b"", "starts with nothing"),
        (content[:2] + b"\x0d" + content[3:], "is no IDX file of bytes"),
        (b"\x1f\x8b" + content, "can't be read"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=words):
            read_idx(path, axes=3)
    with pytest.raises(DataError, match="array of 1 axes; one of 3"):
        read_idx(idx(tmp_path / "y", IMAGES[0, 0]), axes=3)
    with pytest.raises(DataError, match="no such file"):
        read_idx(tmp_path / "z", axes=3)


def test_files_are_paired_by_their_names(tmp_path: Path) -> None:
    for start in ("train-", "t10k-"):
        idx(tmp_path / f"{start}images-idx3-ubyte.gz", IMAGES, compressed=True)
        idx(tmp_path / f"{start}labels-idx1-ubyte", IMAGES[:, 0, 0])
    found = find_idx(tmp_path)
    assert sorted(found) == ["test", "train"]
    assert found["test"][1].name == "t10k-labels-idx1-ubyte"
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"labels are missing: train-labels-idx1-ubyte\[.gz\]"):
        find_idx(tmp_path)
    idx(tmp_path / "train-labels-idx1-ubyte", IMAGES[:, 0, 0])
    idx(tmp_path / "emnist-train-images-idx3-ubyte", IMAGES)
    idx(tmp_path / "emnist-train-labels-idx1-ubyte", IMAGES[:, 0, 0])
    with pytest.raises(DataError, match="keep one of the two"):
        find_idx(tmp_path)


def test_fashion_mnist_is_asked_for_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_FASHION_MNIST", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere: on Debian `apt install dataset-fashion-mnist`") as caught:
        find_fashion_mnist()
    assert "\n" not in str(caught.value)
    for start in ("train-", "t10k-"):
        idx(tmp_path / "here" / f"{start}images-idx3-ubyte", IMAGES)
        idx(tmp_path / "here" / f"{start}labels-idx1-ubyte", IMAGES[:, 0, 0])
    monkeypatch.setenv("PISTE_FASHION_MNIST", str(tmp_path / "here"))
    assert find_fashion_mnist() == tmp_path / "here"
