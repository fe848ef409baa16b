"""Restoration: an image becomes a better one."""

from piste.tasks.restoration.task import RestorationTask

__all__ = ["RestorationTask"]
