"""Images dealt out to train, val and test, by a file or by chance, with what belongs together kept together."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from piste.data.problems import DataError, Problem
from piste.data.split import DEFAULT_FILE, SPLITS, GroupRecipe, SplitRecipe
from piste.data.table import Table, read_table, refuse_without_columns
from piste.names import nearest

STRATA = 4
"""Images with any foreground are sorted by how much they have and cut into this many classes of equal size."""


@dataclass(frozen=True)
class Deal:
    """Which images each split holds.

    Args:
        members: names in order, by split; a split without images is left out.
        problems: what is wrong with the file, with the groups or with the outcome.
    """

    members: dict[str, list[str]]
    problems: list[Problem]


def default_split(folder: Path) -> SplitRecipe:
    """The folder's split.csv, where it has one with a column `split`; otherwise 70 % train, 15 % val, 15 % test."""
    file = folder / DEFAULT_FILE
    if file.exists() and "split" in read_table(file, names=()).columns:
        return SplitRecipe()
    return SplitRecipe(ratio=(0.7, 0.15, 0.15))


def split_of_table(table: Table | None, folder: Path) -> SplitRecipe:
    """The split of a CSV file that names the images, where it has that column; else the folder's, stratified.

    Args:
        table: the file's rows; None for images that no file names.
        folder: where a split file may lie.
    """
    if table is not None and "split" in table.columns:
        return SplitRecipe(file=table.path.name)
    found = default_split(folder)
    return found if found.ratio is None else SplitRecipe(ratio=found.ratio, stratify=True)


def deal_out(
    recipe: SplitRecipe,
    folder: Path,
    names: Collection[str],
    foreground: Mapping[str, float] | None = None,
    *,
    strata: Mapping[str, int] | None = None,
    table: Table | None = None,
) -> Deal:
    """Split images as a recipe says. The outcome depends on the recipe and on the names, not on their order.

    Args:
        recipe: how.
        folder: where the split file lies.
        names: the images.
        foreground: each image's share of pixels that are not background, which it is stratified by.
        strata: the class of each image, to stratify by classes instead.
        table: the rows of `recipe.file`, where that file has been read already.
    """
    column = recipe.group.column if recipe.group else None
    needs = [name for name in ("split" if recipe.ratio is None else None, column) if name is not None]
    try:
        table = _table(folder / recipe.file, names, needs, table) if needs else Table(folder, (), {}, [])
        group_of = _groups(recipe.group, table, names)
    except DataError as error:
        return Deal({}, list(error.problems))
    problems = list(table.problems)
    if recipe.ratio is None:
        split_of = _from_file(table, problems)
        _refuse_torn_groups(split_of, group_of, table.path, problems)
    else:
        if strata is None:
            strata = strata_of(foreground or {})
        ratio = dict(zip(SPLITS, recipe.ratio, strict=False))
        split_of = _by_ratio(
            group_of,
            strata if recipe.stratify else {},
            {split: share for split, share in ratio.items() if share},
            recipe.seed,
        )
    members: dict[str, list[str]] = {}
    for name in sorted(split_of, key=lambda name: (SPLITS.index(split_of[name]), name)):
        members.setdefault(split_of[name], []).append(name)
    wanted = ("train", "val") if recipe.ratio is None else tuple(split for split, share in ratio.items() if share)
    for split in wanted:
        if split not in members:
            problems.append(Problem(table.path, _why_empty(split, recipe, group_of)))
    return Deal(members, problems)


def deal_as_filed(splits: Mapping[str, str], folder: Path, recipe: SplitRecipe | None) -> Deal:
    """The images of each split, where the data's own files say it.

    Args:
        splits: the split of each image.
        folder: where the data lie.
        recipe: the recipe's `split`, which does not apply.

    Raises:
        ValueError: there is one.
    """
    if recipe is not None:
        rule = f"does not apply where the files say the splits, as those of {folder} do"
        raise ValueError(f"data.split {rule}; remove it, or name one file in data.annotations")
    members = {split: sorted(name for name, where in splits.items() if where == split) for split in SPLITS}
    cure = "name its file in data.annotations"
    problems = [Problem(folder, f"has no image in {split}; {cure}") for split in ("train", "val") if not members[split]]
    return Deal({split: names for split, names in members.items() if names}, problems)


def _table(path: Path, names: Collection[str], needs: Collection[str], table: Table | None) -> Table:
    if table is None or table.path != path:
        return read_table(path, names, needs)
    refuse_without_columns(path, table.columns, needs)
    return table


def _why_empty(split: str, recipe: SplitRecipe, group_of: Mapping[str, str]) -> str:
    if recipe.ratio is None:
        return f"puts no image into {split}; name some"
    units = "images" if recipe.group is None else "groups"
    return f"split {split} is empty: there are {len(set(group_of.values()))} {units} for data.split.ratio to deal out"


def _from_file(table: Table, problems: list[Problem]) -> dict[str, str]:
    unknown = defaultdict(list)
    for name, row in table.rows.items():
        if row["split"] not in SPLITS:
            unknown[row["split"]].append(name)
    for split, names in unknown.items():
        of = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
        problems.append(Problem(table.path, f"puts {of} into the split {split!r}; {nearest(split, SPLITS)}"))
    return {name: row["split"] for name, row in table.rows.items() if row["split"] in SPLITS}


def _groups(recipe: GroupRecipe | None, table: Table, names: Collection[str]) -> dict[str, str]:
    """The group of each image; each stands alone where the recipe asks for none."""
    if recipe is None:
        return {name: name for name in names}
    if recipe.column is not None:
        found = {name: row[recipe.column] for name, row in table.rows.items()}
        _refuse_without(found, table.path, f"the column {recipe.column} is empty for")
        return found
    matches = {name: re.search(recipe.pattern or "", name) for name in names}
    found = {name: repr(match.groups() or match[0]) if match else "" for name, match in matches.items()}
    _refuse_without(found, table.path, f"data.split.group.pattern {recipe.pattern!r} does not occur in the name")
    return found


def _refuse_without(group_of: Mapping[str, str], path: Path, message: str) -> None:
    lost = sorted(name for name, group in group_of.items() if not group)
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise DataError(Problem(path, f"{message} {lost[0]}{more}"))


def _refuse_torn_groups(
    split_of: Mapping[str, str], group_of: Mapping[str, str], path: Path, problems: list[Problem]
) -> None:
    found = defaultdict(set)
    for name, split in split_of.items():
        found[group_of[name]].add(split)
    for group, splits in sorted(found.items()):
        if len(splits) > 1:
            torn = " and ".join(sorted(splits, key=SPLITS.index))
            problems.append(Problem(path, f"spreads the group {group} over {torn}; keep it in one split"))


def strata_of(foreground: Mapping[str, float]) -> dict[str, int]:
    """Class of each image by its share of foreground: 0 for none, then 1 … STRATA, of equal size."""
    some = sorted((share, name) for name, share in foreground.items() if share > 0)
    ranked = {name: 1 + place * STRATA // len(some) for place, (_, name) in enumerate(some)}
    return {name: ranked.get(name, 0) for name in foreground}


def _by_ratio(
    group_of: Mapping[str, str], strata: Mapping[str, int], ratio: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Deal groups out, the largest first, each to the split that needs what the group holds most.

    A split needs its share of every stratum. The last groups go to splits that have none yet.
    """
    groups = defaultdict(list)
    for name in group_of:
        groups[group_of[name]].append(name)
    order = sorted(groups)
    Random(seed).shuffle(order)
    order.sort(key=lambda group: -len(groups[group]))
    totals = Counter(strata.get(name, 0) for name in group_of)
    need = {split: {stratum: share * total for stratum, total in totals.items()} for split, share in ratio.items()}
    split_of: dict[str, str] = {}
    empty = list(ratio)
    for place, group in enumerate(order):
        held = Counter(strata.get(name, 0) for name in groups[group])
        choice = empty if len(order) - place <= len(empty) else list(ratio)
        best = max(choice, key=lambda split: (_overlap(held, need[split]), sum(need[split].values())))
        for stratum, count in held.items():
            need[best][stratum] -= count
        split_of.update(dict.fromkeys(groups[group], best))
        empty = [split for split in empty if split != best]
    return split_of


def _overlap(held: Mapping[int, int], need: Mapping[int, float]) -> float:
    return sum(count * need[stratum] for stratum, count in held.items())
