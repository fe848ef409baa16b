"""Augmentations by the names that a recipe gives them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationError

from piste.data.augment.base import Augmentation
from piste.data.augment.colours import Blur, ColourJitter, Equalize, GaussianNoise, Grey
from piste.data.augment.sizes import CentreCrop, Crop, RandomSizedCrop, Resize
from piste.data.augment.turns import HorizontalFlip, Rotate, Rotate90, Shear, ShiftScaleRotate, VerticalFlip
from piste.names import nearest


def name_of(augmentation: type[Augmentation]) -> str:
    """What a recipe calls an augmentation.

    Example:
        >>> name_of(RandomSizedCrop)
        'random_sized_crop'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", augmentation.__name__).lower()


_ALL: tuple[type[Augmentation], ...] = (
    *(HorizontalFlip, VerticalFlip, Rotate90, Rotate, Shear, ShiftScaleRotate),
    *(Crop, RandomSizedCrop, CentreCrop, Resize),
    *(ColourJitter, Equalize, Blur, GaussianNoise, Grey),
)
AUGMENTATIONS: Mapping[str, type[Augmentation]] = MappingProxyType({name_of(one): one for one in _ALL})


def read_augmentation(entry: object) -> Augmentation:
    """The augmentation that an entry of a recipe stands for: a name, or a name with settings.

    Example:
        >>> read_augmentation({"rotate": {"degrees": 30}})
        Rotate(p=0.5, degrees=30.0)

    Raises:
        ValueError: an unknown name or setting, or a value that is not legal.
    """
    if isinstance(entry, Augmentation):
        return entry
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise ValueError(f"an augmentation is a name or {{name: {{settings}}}}; got {entry!r:.60}")
    [(name, settings)] = entry.items()
    if name not in AUGMENTATIONS:
        raise ValueError(f"no augmentation is called {name}; {nearest(str(name), AUGMENTATIONS)}")
    kind = AUGMENTATIONS[name]
    if not isinstance(settings or {}, Mapping):
        raise ValueError(f"{name} takes settings such as {{{', '.join(kind.model_fields)}}}; got {settings!r:.60}")
    try:
        return kind.model_validate(settings or {})
    except ValidationError as errors:
        raise ValueError("; ".join(_in_words(name, kind, dict(error)) for error in errors.errors())) from None


def _in_words(name: str, kind: type[Augmentation], error: dict[str, Any]) -> str:
    setting = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{name} has no setting {setting}; {nearest(setting, kind.model_fields)}"
    if error["type"] == "missing":
        return f"{name} needs the setting {setting}"
    rule = error["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("should be", "must be")
    if error["type"] == "value_error":
        return f"{name}.{setting}: {rule}" if setting else f"{name} {rule}"
    return f"{name}.{setting} {rule}; got {error['input']!r:.60}"


def _written(augmentation: Augmentation) -> dict[str, Any]:
    return {name_of(type(augmentation)): augmentation.model_dump(mode="json", exclude_none=True)}


Entry = Annotated[Augmentation, BeforeValidator(read_augmentation), PlainSerializer(_written)]
"""The type of an augmentation in a pydantic model: read from, and written as, an entry of a recipe."""
