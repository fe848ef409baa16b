"""Labels in a CSV file: one a row in the column `label`, or several in `labels`."""

from pathlib import Path

import numpy as np

from piste.data.annotations import read_annotations
from piste.data.classification.labelled import Labelled, settle_classes
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.pictures import ImageFiles
from piste.data.problems import DataError, Problem

SEPARATORS = (";", "|")


def read_rows(recipe: ClassificationDataRecipe, file: Path) -> Labelled:
    """The images that a CSV file names, with their label or labels.

    Raises:
        DataError: what keeps them from being used.
    """
    annotations = read_annotations(file)
    table = annotations.table
    several = "labels" in table.columns
    if several == ("label" in table.columns):
        rule = "needs a column label, for one class an image, or labels, for several or none, and not both"
        raise DataError(Problem(file, f"{rule}; it has {', '.join(table.columns)}"))
    column = "labels" if several else "label"
    entries = {name: row[column] for name, row in table.rows.items()}
    problems = list(table.problems)
    if several:
        held = _several(file, entries)
    else:
        held = {name: [entry] for name, entry in entries.items() if entry}
        problems += [Problem(file, f"{name} has no label; give it one") for name in entries if name not in held]
    if problems:
        raise DataError(*problems)
    classes = settle_classes(recipe.classes, {label for labels in held.values() for label in labels}, file)
    if not classes:
        raise DataError(Problem(file, "holds no label; separate several by ; in the column labels"))
    index = {name: i for i, name in enumerate(classes)}
    many = np.zeros((len(held), len(classes)), dtype=bool)
    for row, labels in enumerate(held.values()):
        many[row, [index[label] for label in labels]] = True
    pictures = ImageFiles(annotations.images, annotations.names, recipe.window)
    return Labelled(file, pictures, classes, many if several else many.argmax(1).astype(np.int64), table=table)


def _several(file: Path, entries: dict[str, str]) -> dict[str, list[str]]:
    """The labels of each image, cut at whichever separator the file uses."""
    used = [separator for separator in SEPARATORS if any(separator in entry for entry in entries.values())]
    if len(used) > 1:
        raise DataError(Problem(file, "separates labels by ; here and by | there; use one of the two"))
    separator = used[0] if used else SEPARATORS[0]
    return {
        name: list(dict.fromkeys(label.strip() for label in entry.split(separator) if label.strip()))
        for name, entry in entries.items()
    }
