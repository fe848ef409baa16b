"""The CSV file beside the images: a `name`, its `split`, and whatever groups belong together."""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from piste.data.folder import SUFFIXES
from piste.data.problems import DataError, Problem


@dataclass(frozen=True)
class Table:
    """A table with a row for each image.

    Args:
        path: the file.
        columns: its header.
        rows: by name, in the file's order.
        problems: names that stand there twice or not at all, and rows without one.
    """

    path: Path
    columns: tuple[str, ...]
    rows: dict[str, dict[str, str]]
    problems: list[Problem]


def read_table(path: Path, names: Collection[str], needs: Collection[str] = ()) -> Table:
    """The rows of a CSV file, UTF-8, commas between columns, for some images.

    A `name` is an image's stem, or its file's name.

    Args:
        path: the file.
        names: the stems of the images there are.
        needs: columns that it must have besides `name`.

    Raises:
        DataError: there is no such file, it can't be read or lacks a column.
    """
    columns, lines = read_lines(path, "add it or give data.split a ratio")
    refuse_without_columns(path, columns, ("name", *needs))
    table = Table(path, columns, {}, [])
    known = set(names)
    for line in lines:
        name = line["name"].strip()
        if name not in known and Path(name).suffix.lower() in SUFFIXES:
            name = Path(name).stem
        if name in table.rows:
            table.problems.append(Problem(path, f"names {name} twice; keep one row"))
        elif name not in known:
            table.problems.append(Problem(path, f"names {name or '(nothing)'}, which has no image; remove the row"))
        else:
            table.rows[name] = {column: line[column].strip() for column in columns}
    for name in sorted(known - table.rows.keys()):
        table.problems.append(Problem(path, f"has no row for the image {name}; add one"))
    return table


def read_lines(path: Path, cure: str) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The columns of a CSV file, UTF-8, commas between them, and its lines by column.

    Args:
        path: the file.
        cure: what to do where there is no such file.

    Raises:
        DataError: there is no such file, or it can't be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="beyond the header")
            columns = tuple(column.strip() for column in reader.fieldnames or ())
            reader.fieldnames = list(columns)
            return columns, list(reader)
    except FileNotFoundError:
        raise DataError(Problem(path, f"no such file; {cure}")) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(Problem(path, f"is no CSV file in UTF-8 ({error})")) from None


def refuse_without_columns(path: Path, columns: Sequence[str], needs: Collection[str]) -> None:
    """Refuse a table that lacks a column.

    Raises:
        DataError: names the column and those there are.
    """
    for column in needs:
        if column not in columns:
            came = ", ".join(columns) or "nothing"
            raise DataError(Problem(path, f"has no column {column}; its first line, split at commas, has {came}"))
