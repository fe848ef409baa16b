"""Text: an image of a line is read, character by character."""

from piste.tasks.text.task import TextTask

__all__ = ["TextTask"]
