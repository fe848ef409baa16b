"""A task: what a sample is, what the model returns, which losses suit it, what judges it, which picture shows it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from piste.tasks.base.trainable import Trainable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from torch import nn

    from piste.data.problems import Problem
    from piste.data.section import DataSection
    from piste.objective.recipe import Part
    from piste.tasks.base.examined import Examined, Pixels, Prediction
    from piste.tasks.base.exported import Exported
    from piste.tasks.base.scripted import Scripted


class Task(Trainable):
    """A kind of work that recipes can ask for: final, one a module of `piste.tasks`, whose name it has.

    Attributes:
        summary: one line for lists of tasks.
        sections: the recipe's sections that are the task's own, by key: `data`, `model`, and others.
        parts: what its models may predict, by name, where each part has losses of its own; none where it is one thing.
        data_recipe: the `data:` section with everything decided that it left open.
        loss: the resolved `loss:` section.
        seed: of order and augmentation.
    """

    summary: ClassVar[str]
    sections: ClassVar[Mapping[str, type[BaseModel]]]
    parts: ClassVar[Mapping[str, Part]] = {}

    data_recipe: DataSection
    loss: Mapping[str, Any]
    seed: int

    def __init_subclass__(cls) -> None:
        cls.name = cls.__module__.removeprefix("piste.tasks.").partition(".")[0]

    @classmethod
    @abstractmethod
    def open(cls, sections: Mapping[str, Any], loss: Any, *, seed: int) -> Self:
        """The task that sections of a recipe describe, all of them checked.

        Args:
            sections: those of `cls.sections`, as models.
            loss: the `loss:` section as it was written.
            seed: of order and augmentation.

        Raises:
            ValueError: what is wrong with a section, or with the data.
            FileNotFoundError: a folder or file that is not there.
        """

    @property
    @abstractmethod
    def splits(self) -> Sequence[str]:
        """Names of the splits that there are: train, val and perhaps test."""

    @abstractmethod
    def examine(self, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None) -> Examined:
        """The last look at a trained model.

        Args:
            model: on its device; is put in eval mode.
            split: val or test.
            batches: of that split, on the model's device; may be gone through more than once.
            before: of val, when it is test's turn: what was chosen there holds here.
        """

    @abstractmethod
    def predict(self, model: nn.Module, path: Path) -> Prediction:
        """What a trained model says of one file.

        Args:
            model: in eval mode.
            path: an image that the task reads.

        Raises:
            DataError: the file can't be read.
        """

    def exported(self, model: nn.Module) -> Exported:
        """A trained model with all that it needs to be run without Piste.

        Raises:
            ValueError: models of this task have no such form.
        """
        raise ValueError(
            f"a model of {self.name} is not one function from a tensor to a tensor, and can't be written as one;"
            " `piste predict` runs it"
        )

    def scripted(self) -> Scripted:
        """What the task brings to a script that trains the same model in plain PyTorch.

        Raises:
            ValueError: names what of it can't be written.
        """
        raise ValueError(f"there is no script for {self.name} yet; `piste run` trains it")

    def settled(self) -> dict[str, BaseModel]:
        """Sections of its own besides `data`, by name, where it decided what a recipe left open."""
        return {}

    @classmethod
    def problems(cls, data: Any) -> Sequence[Problem]:
        """Everything that is wrong with the data of a `data:` section; what `open` finds need not be among it."""
        return ()

    def overview(self) -> list[dict[str, str]]:
        """What the data hold, a row a split: column -> entry."""
        loaders = {split: self.loader(split, train=False, workers=0, batch_size=1) for split in self.splits}
        return [{"split": split, "samples": str(len(loader))} for split, loader in loaders.items()]

    def facts(self) -> dict[str, Any]:
        """What the summary of a run keeps of the data, in plain types, such as the names of the classes."""
        return {}

    def augmented(self) -> dict[str, Pixels | list[str]]:
        """Arrays by name that show what augmentation does to training samples; none where nothing is augmented."""
        return {}
