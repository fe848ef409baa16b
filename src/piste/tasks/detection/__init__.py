"""Detection: every object of an image gets a box and a class."""

from piste.tasks.detection.task import DetectionTask

__all__ = ["DetectionTask"]
