"""A CSV file that names images, one a row, and says something of each: `labels.csv`."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from piste.data.problems import Problem
from piste.data.table import Table, read_lines, refuse_without_columns

DEFAULT_ANNOTATIONS = "labels.csv"
IMAGE_COLUMN = "path"


@dataclass(frozen=True)
class Annotations:
    """Images and what a file says of them.

    Args:
        table: the rows by name, which is what stands in the column `path`; with its problems.
        images: the path of each image, in the order of the rows.
    """

    table: Table
    images: tuple[Path, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the file calls each image."""
        return tuple(self.table.rows)


def find_annotations(path: Path) -> Path | None:
    """The CSV file that `path` is or holds; None where there is none."""
    if path.suffix.lower() == ".csv":
        return path
    file = path / DEFAULT_ANNOTATIONS
    return file if file.is_file() else None


def read_annotations(file: Path, needs: Collection[str] = ()) -> Annotations:
    """Images by the column `path`, from the file's own folder on, and the other columns.

    Args:
        file: CSV, UTF-8, commas between columns.
        needs: columns that it must have besides `path`.

    Raises:
        DataError: there is no such file, it can't be read or lacks a column.
    """
    columns, lines = read_lines(file, f"a {DEFAULT_ANNOTATIONS} has the column {IMAGE_COLUMN} and one or more others")
    refuse_without_columns(file, columns, (IMAGE_COLUMN, *needs))
    table, images = Table(file, columns, {}, []), []
    for number, line in enumerate(lines, start=2):
        name = line[IMAGE_COLUMN].strip()
        if set(line) - set(columns):
            rule = f"has {len(columns)} columns; put text that holds a comma into double quotes"
            table.problems.append(
                Problem(file, f"row {number} ({name:.40}) has more entries than the header, which {rule}")
            )
        elif not name:
            table.problems.append(
                Problem(file, f"row {number} names no image; give its {IMAGE_COLUMN} or remove the row")
            )
        elif name in table.rows:
            table.problems.append(Problem(file, f"names {name} twice; keep one row"))
        elif not (file.parent / name).is_file():
            table.problems.append(
                Problem(file.parent / name, f"no such file, but row {number} of {file.name} names it")
            )
        else:
            table.rows[name] = {column: line[column].strip() for column in columns}
            images.append(file.parent / name)
    if not lines:
        table.problems.append(Problem(file, "holds no row; name images, one a row"))
    return Annotations(table, tuple(images))
