"""CSV files that name images: what is read, and what is said of rows that can't be."""

from pathlib import Path

import pytest

from piste.data.annotations import find_annotations, read_annotations
from piste.data.problems import DataError
from tests.data.files import picture, save


def written(folder: Path, text: str) -> Path:
    save(folder / "a.png", picture(0))
    save(folder / "b" / "c.png", picture(1))
    (folder / "labels.csv").write_text(text)
    return folder / "labels.csv"


def test_rows_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read_annotations(written(tmp_path, "label, path\ncat, b/c.png\ndog,a.png\n"), ["label"])
    assert found.names == ("b/c.png", "a.png")
    assert found.images == (tmp_path / "b/c.png", tmp_path / "a.png")
    assert [row["label"] for row in found.table.rows.values()] == ["cat", "dog"]
    assert found.table.problems == []


def test_a_file_or_the_folder_that_holds_it_is_found(tmp_path: Path) -> None:
    assert find_annotations(tmp_path) is None
    assert find_annotations(tmp_path / "other.csv") == tmp_path / "other.csv"
    assert find_annotations(written(tmp_path, "path\n").parent) == tmp_path / "labels.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\na.png,cat\na.png,dog\n", "names a.png twice"),
        ("path,label\nx.png,cat\n", "x.png: no such file, but row 2 of labels.csv names it"),
        ("path,label\n,cat\n", "row 2 names no image"),
        ("path,label\na.png,cat,dog\n", "row 2 .a.png. has more entries than the header, which has 2 columns"),
        ("path,label\n", "holds no row"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, words: str) -> None:
    (problem,) = read_annotations(written(tmp_path, text)).table.problems
    with pytest.raises(DataError, match=words):
        raise DataError(problem)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column path; its first line, split at commas, has file, label"):
        read_annotations(written(tmp_path, "file,label\na.png,cat\n"))
    with pytest.raises(DataError, match="no such file"):
        read_annotations(tmp_path / "nowhere.csv")
