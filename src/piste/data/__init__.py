"""Readers, splits, augmentation, checks and the built-in data sets."""

from piste.data.check import check_folder
from piste.data.counts import IGNORE_INDEX, count_classes
from piste.data.problems import DataError, Problem
from piste.data.recipe import SegmentationDataRecipe
from piste.data.segmentation import SegmentationData, open_segmentation
from piste.data.summary import Summary, summarise

__all__ = [
    "IGNORE_INDEX",
    "DataError",
    "Problem",
    "SegmentationData",
    "SegmentationDataRecipe",
    "Summary",
    "check_folder",
    "count_classes",
    "open_segmentation",
    "summarise",
]
