"""Augmentation: transforms of an image and what lies beside it, with checked settings, from a given random state."""

from piste.data.augment.base import Augmentation, Canvas
from piste.data.augment.catalogue import AUGMENTATIONS, Entry, name_of, read_augmentation
from piste.data.augment.instances import Instances
from piste.data.augment.pipeline import Pipeline
from piste.data.augment.sample import Sample

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "Canvas",
    "Entry",
    "Instances",
    "Pipeline",
    "Sample",
    "name_of",
    "read_augmentation",
]
