"""Generation: samples are made of noise, so that they can't be told from real ones."""

from piste.tasks.generation.task import GenerationTask

__all__ = ["GenerationTask"]
