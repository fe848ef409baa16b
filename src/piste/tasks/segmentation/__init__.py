"""Segmentation: every pixel of an image gets a class."""

from piste.tasks.segmentation.task import SegmentationTask

__all__ = ["SegmentationTask"]
