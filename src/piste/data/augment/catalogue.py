"""Augmentations by the names that a recipe gives them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from piste.data.augment.base import Augmentation
from piste.data.augment.colours import Blur, ColourJitter, Equalize, GaussianNoise, Grey
from piste.data.augment.copy_paste import CopyPaste
from piste.data.augment.mosaic import Mosaic
from piste.data.augment.sizes import CentreCrop, Crop, RandomSizedCrop, Resize
from piste.data.augment.turns import HorizontalFlip, Rotate, Rotate90, Shear, ShiftScaleRotate, VerticalFlip
from piste.data.entries import entry_schema, read_entry, snake_case


def name_of(augmentation: type[Augmentation]) -> str:
    """What a recipe calls an augmentation.

    Example:
        >>> name_of(RandomSizedCrop)
        'random_sized_crop'
    """
    return snake_case(augmentation.__name__)


_ALL: tuple[type[Augmentation], ...] = (
    *(HorizontalFlip, VerticalFlip, Rotate90, Rotate, Shear, ShiftScaleRotate),
    *(Crop, RandomSizedCrop, CentreCrop, Resize),
    *(ColourJitter, Equalize, Blur, GaussianNoise, Grey),
    *(Mosaic, CopyPaste),
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
    return entry if isinstance(entry, Augmentation) else read_entry(entry, AUGMENTATIONS, "an augmentation")


def _written(augmentation: Augmentation) -> dict[str, Any]:
    return {name_of(type(augmentation)): augmentation.model_dump(mode="json", exclude_none=True)}


Entry = Annotated[
    Augmentation,
    BeforeValidator(read_augmentation),
    PlainSerializer(_written),
    WithJsonSchema(entry_schema(AUGMENTATIONS)),
]
"""The type of an augmentation in a pydantic model: read from, and written as, an entry of a recipe."""
