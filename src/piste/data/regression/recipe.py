"""The `data:` section of regression."""

from typing import Annotated, ClassVar, Self, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from piste.data.limit import LimitRecipe, read_limit
from piste.data.section import ImagesSection

Positive = Annotated[float, Field(gt=0)]


@final
class ValueStatistics(BaseModel):
    """Mean and standard deviation of each value, in its own unit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: list[float]
    std: list[Positive]


@final
class RegressionDataRecipe(ImagesSection):
    """Which images a run learns from, the numbers that belong to each, and how they are shown to the model.

    `path` is a CSV file, or a folder with a `labels.csv`: the column `path`, from the file's folder on, and one or
    several columns of numbers; a column `split` where wanted. Or it is `lakes`, which is built in: the number of lakes
    in each tile of satellite imagery.

    `values` names the columns of numbers; null takes all but `path` and `split`.

    `standardize` is what the model and the losses see instead of the values themselves: true subtracts the mean of the
    training images and divides by their standard deviation, so that a `delta` or `epsilon` of a loss is in deviations;
    false leaves values in their unit. Metrics and pictures always are in their unit.

    `split.stratify` gives each split its share of small and large values of the first column. The other keys are those
    of `ImagesSection`.
    """

    built_in: ClassVar[frozenset[str]] = frozenset({"lakes"})

    values: list[str] | None = None
    standardize: bool | ValueStatistics = True
    limit: Annotated[LimitRecipe | None, BeforeValidator(read_limit)] = None

    @model_validator(mode="after")
    def _values_agree(self) -> Self:
        names = self.values
        if names is not None and (not names or len(set(names)) < len(names) or {"path", "split"} & set(names)):
            raise ValueError(f"values names columns of numbers, each once, and neither path nor split; got {names}")
        if self.path in self.built_in and names not in (None, ["lakes"]):
            raise ValueError(f"values of the built-in data set lakes are [lakes]; got {names}")
        if isinstance(self.standardize, ValueStatistics) and names is not None:
            given = len(self.standardize.mean), len(self.standardize.std)
            if given != (len(names), len(names)):
                raise ValueError(f"standardize needs a mean and a std for each of the {len(names)} values; got {given}")
        return self
