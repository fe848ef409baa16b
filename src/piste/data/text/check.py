"""Everything that is wrong with a folder of lines, not only the first thing."""

import hashlib
from collections.abc import Iterable

from piste.data.problems import DataError, Problem
from piste.data.text.recipe import TextDataRecipe
from piste.data.text.text import TextData, open_text


def check_text(recipe: TextDataRecipe) -> list[Problem]:
    """Read every file of a data set and say what is wrong with it.

    Looked for are: a missing or broken `labels.csv`; rows without path or text, twice the same path, and texts of more
    than one line; files that are missing, empty, broken or of a kind that can't be read; characters that the alphabet
    lacks; empty splits; the same picture in two splits. What stands in the labels comes first: while something is
    wrong there, images are not read.

    Returns:
        The problems, sorted by path; none where all is well.

    Raises:
        ValueError: the recipe contradicts itself.
        FileNotFoundError: there is no such folder.
    """
    try:
        data = open_text(recipe)
    except DataError as error:
        return sorted(error.problems, key=lambda problem: (problem.path, problem.message))
    return sorted(_images(data), key=lambda problem: (problem.path, problem.message))


def _images(data: TextData) -> Iterable[Problem]:
    seen: dict[str, tuple[str, int]] = {}
    for split, places in data.splits.items():
        for index in range(len(places)):
            try:
                image = data.image(split, index)
            except DataError as error:
                yield from error.problems
                continue
            print_ = hashlib.sha256(repr(image.shape).encode() + image.numpy().tobytes()).hexdigest()
            there, other = seen.setdefault(print_, (split, index))
            if there != split:
                same = f"is the same picture as {data.path(there, other).name}"
                rule = f"but one is in {split} and the other in {there}; remove one or put both into one split"
                yield Problem(data.path(split, index), f"{same}, {rule}")
