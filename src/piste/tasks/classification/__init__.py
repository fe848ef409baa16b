"""Classification: an image gets a class, or several labels."""

from piste.tasks.classification.task import ClassificationTask

__all__ = ["ClassificationTask"]
