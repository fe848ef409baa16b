"""What the lines in a folder say: `labels.csv`, with a path and a text a row."""

from pathlib import Path

from piste.data.problems import DataError, Problem
from piste.data.table import Table, read_lines, refuse_without_columns
from piste.data.text.alphabet import is_writable, readable


def read_labels(file: Path) -> tuple[dict[str, str], Table]:
    """The text of each image, by its path as it stands in the file, and the whole table.

    Raises:
        DataError: the file can't be read; or paths, texts or rows that can't be used, all of them.
    """
    columns, lines = read_lines(file, "a folder of lines holds a CSV file with the columns path and text")
    refuse_without_columns(file, columns, ("path", "text"))
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    rows: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines, start=2):
        path, text = line["path"].strip(), readable(line["text"])
        wrong = _what_is_wrong(line, path, text, path in texts)
        if wrong:
            problems.append(Problem(file, f"row {number} {wrong}"))
        else:
            texts[path] = text
            rows[path] = {column: line[column].strip() for column in columns}
    if not lines:
        problems.append(Problem(file, "has no rows; name an image and what it says in each"))
    if problems:
        raise DataError(*problems)
    return texts, Table(file, columns, rows, [])


def _what_is_wrong(line: dict[str, str], path: str, text: str, seen: bool) -> str | None:
    """Why a row can't be used, after the word for it; None if it can."""
    if "beyond the header" in line:
        return "has more cells than the header; put a text with a comma in it in double quotes"
    if not path:
        return "has no path"
    if seen:
        return f"names {path} again; keep one row"
    if not text:
        return f"has no text for {path}; write what the line says, or remove the row"
    strange = next((char for char in text if not is_writable(char)), None)
    if strange is not None:
        return f"has {strange!r} in the text of {path}; an image shows one line, of characters that can be seen"
    return None
