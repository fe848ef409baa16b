"""The same picture in two splits: what is learnt by heart would pass for what is understood."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from piste.data.problems import Problem


def fingerprint(pixels: NDArray[np.uint8]) -> str:
    """The same for equal pictures [H, W, 3], whatever the format; empty for a picture of one colour."""
    if (pixels == pixels[0, 0]).all():
        return ""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def find_leaks(paths: Mapping[str, Path], prints: Mapping[str, str], split_of: Mapping[str, str]) -> list[Problem]:
    """A problem for each picture that lies in another split, too.

    Args:
        paths: the file of each name.
        prints: the fingerprint of each name, where it could be read; empty ones are passed over.
        split_of: the split of each name.
    """
    same = defaultdict(list)
    for name, found in prints.items():
        if found and name in split_of:
            same[found].append(name)
    problems = []
    for first, *rest in same.values():
        for other in rest:
            here, there = split_of[other], split_of[first]
            if here != there:
                message = f"is the same picture as {paths[first].name}, but one is in {here} and the other in {there}"
                problems.append(Problem(paths[other], f"{message}; remove one or put both into one split"))
    return problems
