"""The split file is read as spreadsheets write it, and every row that is wrong is named."""

import pytest

from piste.data.problems import DataError
from piste.data.table import read_table


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "split.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_rows_are_found_by_stem_or_by_file_name(tmp_path):
    table = read_table(written(tmp_path, "name,split\na,train\nb.png,val\nc.v2,test\n"), ["a", "b", "c.v2"], ["split"])
    assert table.problems == []
    assert {name: row["split"] for name, row in table.rows.items()} == {"a": "train", "b": "val", "c.v2": "test"}


def test_a_spreadsheet_s_mark_and_spaces_and_blank_lines_do_no_harm(tmp_path):
    table = read_table(written(tmp_path, "\ufeffname , split\r\n a , train \r\n\r\n"), ["a"], ["split"])
    assert table.rows == {"a": {"name": "a", "split": "train"}}
    assert table.columns == ("name", "split")


def test_every_wrong_row_is_a_problem(tmp_path):
    table = read_table(written(tmp_path, "name,split\na,train\na,val\nx,train\n,val\n"), ["a", "b"], ["split"])
    assert [problem.message for problem in table.problems] == [
        "names a twice; keep one row",
        "names x, which has no image; remove the row",
        "names (nothing), which has no image; remove the row",
        "has no row for the image b; add one",
    ]
    assert table.rows["a"]["split"] == "train"


def test_a_short_row_is_empty_at_its_end_and_a_long_one_is_cut(tmp_path):
    table = read_table(written(tmp_path, "name,split\na\nb,val,more\n"), ["a", "b"], ["split"])
    assert [row["split"] for row in table.rows.values()] == ["", "val"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name;split\na;train\n", "has no column name; its first line, split at commas, has name;split"),
        ("name\na\n", "has no column split; its first line, split at commas, has name"),
        ("", "has no column name; its first line, split at commas, has nothing"),
    ],
)
def test_a_missing_column_shows_what_is_there(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, text), ["a"], ["split"])
    assert str(caught.value).endswith(message)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"split\.csv: no such file; add it or give data\.split a ratio"):
        read_table(tmp_path / "split.csv", [])
    with pytest.raises(DataError, match="no CSV file in UTF-8"):
        read_table(written(tmp_path, "name,split\nä,train\n", "latin-1"), [])
