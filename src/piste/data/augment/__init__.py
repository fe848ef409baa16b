"""Augmentation: transforms of an image and its mask together, with checked settings, from a given random state."""

from piste.data.augment.base import Augmentation, Canvas
from piste.data.augment.catalogue import AUGMENTATIONS, Entry, name_of, read_augmentation
from piste.data.augment.pipeline import Pipeline

__all__ = ["AUGMENTATIONS", "Augmentation", "Canvas", "Entry", "Pipeline", "name_of", "read_augmentation"]
