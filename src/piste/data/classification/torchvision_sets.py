"""Torchvision's data sets by name, where their files are present; nothing is downloaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import datasets

from piste.data.classification.labelled import Labelled, settle_numbers
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.pictures import Pictures, numbered
from piste.data.problems import DataError, Problem
from piste.names import nearest


@dataclass(frozen=True)
class _Set:
    """How one of torchvision's data sets is asked for.

    Args:
        parts: the keywords of each split; a single one under "" where it has no splits of its own.
        labels: the attribute with the labels; of pairs, the second is the label.
        classes: the attribute with the names of the classes.
    """

    parts: Mapping[str, Mapping[str, Any]]
    labels: str
    classes: str = "classes"


_FLAG = {"train": {"train": True}, "test": {"train": False}}
_TWO = {"train": {"split": "train"}, "test": {"split": "test"}}
_VAL = {"train": {"split": "train"}, "val": {"split": "val"}}
_THREE = _TWO | _VAL
_WHOLE: Mapping[str, Mapping[str, Any]] = {"": {}}
SETS: Mapping[str, _Set] = MappingProxyType(
    dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100", "USPS"), _Set(_FLAG, "targets"))
    | dict.fromkeys(("SVHN", "STL10"), _Set(_TWO, "labels"))
    | dict.fromkeys(("GTSRB", "StanfordCars"), _Set(_TWO, "_samples"))
    | dict.fromkeys(("Flowers102", "DTD", "FGVCAircraft"), _Set(_THREE, "_labels"))
    | {
        "Food101": _Set(_TWO, "_labels"),
        "OxfordIIITPet": _Set({"train": {"split": "trainval"}, "test": {"split": "test"}}, "_labels"),
        "Country211": _Set(_TWO | {"val": {"split": "valid"}}, "targets"),
        "RenderedSST2": _Set(_THREE, "_samples"),
        "Imagenette": _Set(_VAL, "_samples"),
        "ImageNet": _Set(_VAL, "targets"),
        "EuroSAT": _Set(_WHOLE, "targets"),
        "SUN397": _Set(_WHOLE, "_labels"),
        "Caltech101": _Set(_WHOLE, "y", "categories"),
        "Caltech256": _Set(_WHOLE, "y", "categories"),
        "SEMEION": _Set(_WHOLE, "labels"),
    }
)


@final
class TorchvisionPictures(Pictures):
    """The images of data sets of torchvision, one set after the other.

    Sizes are those of each set's first image, since the others would all have to be decoded.

    Args:
        sets: data sets whose items are (image, label).
        names: what each image is called.
    """

    def __init__(self, sets: Sequence[Dataset[Any]], names: Sequence[str]) -> None:
        self.sets = sets
        self.names = tuple(names)
        self._places = [(part, i) for part, one in enumerate(sets) for i in range(len(one))]  # type: ignore[arg-type]
        first = [one[0][0].size for one in sets]
        self.sizes = [(first[part][1], first[part][0]) for part, _ in self._places]

    def read(self, index: int) -> Tensor:
        """Ask its set."""
        part, place = self._places[index]
        image = self.sets[part][place][0]
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def read_torchvision(recipe: ClassificationDataRecipe, root: Path) -> Labelled:
    """A data set by the name of its class in torchvision.

    Raises:
        ValueError: it is none of those that are known.
        DataError: its files are not there.
    """
    name = recipe.torchvision or ""
    if name not in SETS:
        raise ValueError(f"data.torchvision is {name!r}; {nearest(name, SETS)}")
    how = SETS[name]
    parts, numbers = [], []
    names: list[str] = []
    given: dict[str, range] = {}
    for split, keywords in how.parts.items():
        try:
            part = getattr(datasets, name)(str(root), **keywords)
        except (RuntimeError, FileNotFoundError, ModuleNotFoundError) as error:
            why = " ".join(str(error).split()).partition(" You can use")[0]
            cure = f"download it once: torchvision.datasets.{name}({str(root)!r}, download=True)"
            raise DataError(Problem(root, f"holds no {name} of torchvision ({why:.100}); {cure}")) from None
        labels = [one[1] if isinstance(one, tuple) else int(one) for one in getattr(part, how.labels)]
        given[split] = range(len(names), len(names) + len(labels))
        parts.append(part)
        numbers += labels
        names += numbered(split or name, len(labels))
    found = np.array(numbers, dtype=np.int64)
    own = getattr(parts[0], how.classes, None)
    classes = settle_numbers(recipe.classes or (own and [_plain(each) for each in own]), found, root)
    pictures = TorchvisionPictures(parts, names)
    return Labelled(root, pictures, classes, found, {} if "" in given else given)


def _plain(name: Any) -> str:
    """A class's name; ImageNet has several synonyms for each."""
    return str(name[0]) if isinstance(name, tuple) else str(name)
