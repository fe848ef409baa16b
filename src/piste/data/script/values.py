"""Images with numbers as plain Python."""

from pathlib import Path
from textwrap import wrap

from torch import Tensor

from piste.data.pictures import ImageFiles
from piste.data.regression.opened import RegressionData
from piste.data.regression.recipe import RegressionDataRecipe, ValueStatistics
from piste.data.script.arrays import SPLITS
from piste.data.script.pictures import reader_as_code, shown_as_code, splits_as_code, within
from piste.data.script.reading import changes, changing, image_reader
from piste.data.script.samples import samples_as_code
from piste.data.script.text import WIDTH, assigned, listed


def values_as_code(data: RegressionData, channels: int) -> tuple[list[str], list[str], list[str]]:
    """Constants, code and lists, for `tasks.base.Scripted`.

    Args:
        data: what is learnt from.
        channels: of the images that the network takes.
    """
    recipe, files = data.recipe, data.pictures.pictures
    assert isinstance(files, ImageFiles)
    constants, normalised = shown_as_code(recipe, channels)
    own = [[files.paths[i] for i in data.pictures.splits[split]] for split in SPLITS]
    place = Path(recipe.path).expanduser().resolve()
    folder = (
        own[0][0].resolve().parent if recipe.path in recipe.built_in else place.parent if place.is_file() else place
    )
    images = [
        listed(f"{split.upper()}_IMAGES", [within(path, folder) for path in paths])
        for split, paths in zip(SPLITS, own, strict=True)
    ]
    values = [_numbers(f"{split.upper()}_VALUES", data.values[split]) for split in SPLITS]
    held = [f"({image.read}, {split.upper()}_VALUES)" for split, image in zip(SPLITS, images, strict=True)]
    code = [
        image_reader(recipe, [path for paths in own for path in paths]),
        *changes(recipe, masked=False),
        reader_as_code(data.pictures),
        _dataset(recipe, normalised, several=len(data.value_names) > 1),
    ]
    constants = [f'DATA = Path("{folder.as_posix()}")', assigned("VALUES", list(data.value_names)), *constants]
    if isinstance(recipe.standardize, ValueStatistics):
        constants += [f"VALUE_MEAN = torch.tensor({recipe.standardize.mean})  # of the training images"]
        constants += [f"VALUE_STD = torch.tensor({recipe.standardize.std})"]
    return constants, code, [*(each.code for each in images), *values, splits_as_code(held)]


def _numbers(name: str, values: Tensor) -> str:
    """A row of numbers for each image; those of one value side by side."""
    rows = [" ".join(map(_short, row)) for row in values.tolist()]
    return f'{name} = """\n' + "\n".join(rows if values.shape[1] > 1 else wrap(" ".join(rows), WIDTH)) + '\n"""'


def _short(value: float) -> str:
    """A number in the fewest digits that tell it."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _dataset(recipe: RegressionDataRecipe, normalised: str, *, several: bool) -> str:
    standardised = bool(recipe.standardize)
    rows = "[[float(x)] for x in values.split()]"
    if several:
        rows = "[[float(x) for x in row.split()] for row in values.strip().splitlines()]"
    held = [
        "values = torch.tensor(rows, dtype=torch.float64)",
        "self.values = ((values - VALUE_MEAN) / VALUE_STD).float()",
    ]
    return samples_as_code(
        f"Images, normalised, and the values of each{', standardised' if standardised else ''}.",
        [
            "self.split, self.epoch = split, epoch",
            "self.images, values = SPLITS[split]",
            f"rows = {rows}",
            *(held if standardised else ["self.values = torch.tensor(rows)"]),
        ],
        ["image = read(self.images[index])", *changing(recipe), f"return {normalised}, self.values[index]"],
    )
