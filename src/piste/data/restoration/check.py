"""Everything that is wrong with a restoration folder, all at once."""

from pathlib import Path

from piste.data.deal import deal_out, default_split
from piste.data.folder import locate
from piste.data.leaks import find_leaks, fingerprint
from piste.data.problems import DataError, Problem
from piste.data.restoration.degrade import scale_of
from piste.data.restoration.folder import list_clean, list_pairs
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
            prints[pair.name] = fingerprint(read_picture(pair, recipe.window)[1].permute(1, 2, 0).numpy())
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
            problems.extend(find_leaks({pair.name: pair.target for pair in listing.pairs}, prints, split_of))
    return sorted(problems, key=lambda problem: (problem.path, problem.message))
