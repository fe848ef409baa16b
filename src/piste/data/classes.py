"""Which classes a data set has, where the recipe leaves that open."""

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from piste.data.folder import BUILT_IN
from piste.data.problems import DataError, Problem
from piste.data.recipe import SegmentationDataRecipe


def settle_classes(recipe: SegmentationDataRecipe, folder: Path, values: Collection[int]) -> SegmentationDataRecipe:
    """The recipe with its classes and its background decided.

    Args:
        recipe: names the classes, or leaves them to the built-in data set or to the values found.
        folder: where the masks lie.
        values: what occurs in the masks; looked at only where neither the recipe nor the data set has classes.

    Raises:
        DataError: the values found are not 0, 1, 2, … without a gap.
        ValueError: the recipe names a class that there is not.
    """
    classes: dict[str, object] = dict(recipe.classes or BUILT_IN.get(recipe.path, {}))
    if not classes:
        found = sorted(set(values) - set(recipe.ignore))
        if found != list(range(len(found))) or len(found) < 2:
            example = ", ".join(f"class_{value}: {value}" for value in found[:4])
            came = ", ".join(map(str, found[:8])) + (", …" if len(found) > 8 else "")
            cure = f"name them with data.classes, such as {{{example}}}, and list under data.ignore what does not count"
            raise DataError(Problem(folder / "masks", f"hold the values {came or '(none)'}, not 0, 1, 2, …; {cure}"))
        classes = {f"class_{value}": value for value in found}
    background = recipe.background or ("background" if "background" in classes else None)
    try:
        return recipe.resolved(classes=classes, background=background)
    except ValidationError as errors:
        words = "; ".join(error["msg"].removeprefix("Value error, ") for error in errors.errors())
        raise ValueError(f"data.{words}") from None
