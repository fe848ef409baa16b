"""The `limit:` key of a data section: fewer images than there are, every class with its share."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from piste.data.split import SPLITS

Count = Annotated[int, Field(ge=1)]


@final
class LimitRecipe(BaseModel):
    """How many images of each split are used, so that a large data set trains in minutes.

    They are drawn by `seed`, of every class (or quarter of the values) its share. null uses all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: Count | None = None
    val: Count | None = None
    test: Count | None = None
    seed: Annotated[int, Field(ge=0)] = 0


def read_limit(limit: object) -> object:
    """The mapping that a number stands for: so many training images."""
    return {"train": limit} if isinstance(limit, int) and not isinstance(limit, bool) else limit


def limited(
    limit: LimitRecipe | None, splits: Mapping[str, list[int]], strata: NDArray[np.int64]
) -> dict[str, list[int]]:
    """Splits with no more images than the recipe says, each class with its share.

    Raises:
        ValueError: a split holds fewer, or there is none.
    """
    if limit is None:
        return dict(splits)
    found = dict(splits)
    for name in SPLITS:
        most = getattr(limit, name)
        if most is None:
            continue
        if most > len(splits.get(name, ())):
            raise ValueError(f"data.limit.{name} is {most}, and the split has {len(splits.get(name, ()))} images")
        found[name] = sorted(_shares(splits[name], strata, most, Random(f"limit/{limit.seed}/{name}")))
    return found


def _shares(places: Sequence[int], strata: NDArray[np.int64], most: int, draw: Random) -> list[int]:
    """So many of the images; ordered by their rank within their class, the first ones are of all classes alike."""
    by_class = defaultdict(list)
    for place in places:
        by_class[int(strata[place])].append(place)
    ranked = []
    for stratum, members in sorted(by_class.items()):
        draw.shuffle(members)
        ranked += [((rank + 0.5) / len(members), stratum, place) for rank, place in enumerate(members)]
    return [place for _, _, place in sorted(ranked)[:most]]
