"""Everything that is wrong with a restoration folder, all at once."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from piste.data.deal import deal_out, default_split
from piste.data.folder import locate
from piste.data.problems import DataError, Problem
from piste.data.restoration.degrade import scale_of
from piste.data.restoration.folder import Pair, list_clean, list_pairs
from piste.data.restoration.recipe import RestorationDataRecipe
from piste.data.restoration.store import read_picture


def check_restoration(recipe: RestorationDataRecipe) -> list[Problem]:
    """Read every file of a data set and say what is wrong with it.

    Looked for are: missing folders; inputs without target and targets without input; equal stems; sizes that are no
    multiple, or not the same one; files that are empty, broken, cut short or of a kind that can't be read; a split file
    that names unknown images or splits, or leaves images out; empty splits; the same target in two splits (those of a
    single colour aside).

    Returns:
        The problems, sorted by path; none where all is well.
    """
    try:
        folder = locate(recipe.path, holds="input/ and target/, or clean images")
    except FileNotFoundError as error:
        return [Problem(Path(recipe.path), str(error))]
    scale = scale_of(recipe.degrade)
    listing = list_clean(folder, scale) if recipe.degrade else list_pairs(folder, recipe.scale)
    problems, prints = list(listing.problems), dict[str, str]()
    for pair in listing.pairs:
        try:
            prints[pair.name] = _fingerprint(pair, recipe)
        except DataError as error:
            problems.extend(error.problems)
    if listing.names:
        try:
            deal = deal_out(recipe.split or default_split(folder), folder, listing.names)
        except DataError as error:
            problems.extend(error.problems)
        else:
            problems.extend(deal.problems)
            split_of = {name: split for split, names in deal.members.items() for name in names}
            problems.extend(_leaks({pair.name: pair for pair in listing.pairs}, prints, split_of))
    return sorted(problems, key=lambda problem: (problem.path, problem.message))


def _fingerprint(pair: Pair, recipe: RestorationDataRecipe) -> str:
    """The same for equal targets, whatever the format; empty for one of a single colour."""
    pixels = read_picture(pair, recipe.window)[1].numpy()
    if (pixels == pixels[:, :1, :1]).all():
        return ""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _leaks(pairs: Mapping[str, Pair], prints: Mapping[str, str], split_of: Mapping[str, str]) -> list[Problem]:
    same = defaultdict(list)
    for name, fingerprint in prints.items():
        if fingerprint and name in split_of:
            same[fingerprint].append(name)
    problems = []
    for first, *rest in same.values():
        for other in rest:
            if split_of[other] != split_of[first]:
                where = f"but one is in {split_of[other]} and the other in {split_of[first]}"
                message = f"is the same picture as {pairs[first].target.name}, {where}"
                problems.append(Problem(pairs[other].target, f"{message}; remove one or put both into one split"))
    return problems
