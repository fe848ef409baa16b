"""The `data:` section of classification."""

from typing import Annotated, ClassVar, Self, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from piste.data.limit import LimitRecipe, read_limit
from piste.data.section import ImagesSection


@final
class LabelNoiseRecipe(BaseModel):
    """Wrong training labels, for studies of what losses make of them.

    Each training label becomes, with the probability `rate`, another class, all others being as likely (symmetric
    noise); 0.4 is a usual choice. `seed` decides which. Labels of val and test stay right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rate: Annotated[float, Field(ge=0, le=1)]
    seed: Annotated[int, Field(ge=0)] = 0


def _read_classes(classes: object) -> object:
    """Names; numbers are taken as their text."""
    if classes is None:
        return classes
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str | int) for name in classes):
        raise ValueError(f"is a list of names, such as [cat, dog]; got {classes!r:.60}")
    return [str(name) for name in classes]


@final
class ClassificationDataRecipe(ImagesSection):
    """Which labelled images a run learns from, how they are split, and how they are shown to the model.

    `path` is the name of a built-in data set (`digits`, `fashion`) or one of these, told apart by what is there:

    - a folder of classes, `cat/x.jpg`, or of splits and classes, `train/cat/x.jpg` and `val/cat/y.jpg`;
    - a CSV file, or a folder with a `labels.csv`: the column `path`, from the file's folder on, and `label`, or, where
      an image may have several or none, `labels` with `;` or `|` between them; a column `split` where wanted;
    - a folder of IDX files (`train-images-idx3-ubyte`, …, compressed or not);
    - with `torchvision`, such as `CIFAR10`, the root folder of one of its data sets, already downloaded.

    `classes` gives the classes in order; null takes those found, sorted. IDX files know numbers alone, and `classes`
    then names 0, 1, 2, ….

    Data that come with splits of their own keep them. Where they have no val, `split: {ratio: [0.9, 0.1]}` (the
    default there) deals the images that are not test out to train and val; three shares deal all of them anew.
    `split.stratify` gives each split its share of every class (of several labels, the rarest counts).

    The other keys are those of `ImagesSection`.
    """

    built_in: ClassVar[frozenset[str]] = frozenset({"digits", "fashion"})

    torchvision: str | None = None
    classes: Annotated[list[str] | None, BeforeValidator(_read_classes)] = None
    limit: Annotated[LimitRecipe | None, BeforeValidator(read_limit)] = None
    label_noise: LabelNoiseRecipe | None = None

    @model_validator(mode="after")
    def _classes_agree(self) -> Self:
        if self.classes is not None and len(set(self.classes)) < len(self.classes):
            twice = next(name for name in self.classes if self.classes.count(name) > 1)
            raise ValueError(f"classes must name each class once; {twice} stands there twice")
        if self.classes is not None and not self.classes:
            raise ValueError("classes must name at least one class")
        if self.torchvision is not None and self.path in self.built_in:
            raise ValueError(f"torchvision does not go with the built-in data set {self.path}; give its root as path")
        return self
