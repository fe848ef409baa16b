"""Regression: an image gets one or several numbers."""

from piste.tasks.regression.task import RegressionTask

__all__ = ["RegressionTask"]
