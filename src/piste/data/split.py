"""The `split:` part of a data recipe: which images train, which validate and which test."""

import re
from typing import Annotated, Self, final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SPLITS = ("train", "val", "test")
DEFAULT_FILE = "split.csv"
Share = Annotated[float, Field(ge=0, le=1)]


@final
class GroupRecipe(BaseModel):
    """What keeps images together: equal entries in a `column` of the file, or equal matches of a `pattern` in names.

    A pattern is a regular expression; where it has groups in brackets, they are compared, otherwise all it matches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.pattern is None):
            raise ValueError("takes either a column of the split file or a pattern of names")
        return self

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}; got {pattern!r:.60}") from None
        return pattern


@final
class SplitRecipe(BaseModel):
    """How images are dealt out.

    Without `ratio` the column `split` of `file`, a CSV file in the data folder, says train, val or test for each
    `name`. With `ratio`, shares of train, val and, if there are three, test, images are dealt at random by `seed`:
    `stratify` gives each split as many images with little and with much foreground; `group` keeps images together
    that belong together. A group with a file is a check: the file may not tear it apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    file: str = DEFAULT_FILE
    ratio: tuple[Share, ...] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    stratify: bool = False
    group: GroupRecipe | None = None

    @field_validator("ratio", mode="before")
    @classmethod
    def _is_a_list(cls, ratio: object) -> object:
        if ratio is not None and not (isinstance(ratio, list | tuple) and len(ratio) in (2, 3)):
            raise ValueError(f"takes the shares of train, val and, if wanted, test; got {ratio!r:.60}")
        return ratio

    @field_validator("ratio")
    @classmethod
    def _adds_up(cls, ratio: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if ratio is not None and (abs(sum(ratio) - 1) > 1e-6 or not ratio[0] or not ratio[1]):
            raise ValueError(f"must add up to 1, with something for train and for val; got {list(ratio)}")
        return ratio

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        if self.ratio is None and (self.stratify or self.seed):
            raise ValueError("seed and stratify go with a ratio, such as ratio: [0.7, 0.15, 0.15]")
        return self


def read_split(entry: object) -> object:
    """The mapping that a recipe's short form stands for: `file`, or the name of a CSV file."""
    if isinstance(entry, str):
        if entry != "file" and not entry.endswith(".csv"):
            raise ValueError(f"is file, a name such as tiles.csv, or {{ratio: [0.7, 0.15, 0.15]}}; got {entry!r:.60}")
        return {"file": DEFAULT_FILE if entry == "file" else entry}
    return entry
