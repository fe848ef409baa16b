"""Losses: one contract, one file each, declared where they stand."""

from piste.losses.base import Loss
from piste.losses.labels.cross_entropy import CrossEntropy
from piste.losses.regions.dice import Dice
from piste.losses.regions.tversky import Tversky
from piste.losses.spec import Between, Case, Choice, LossSpec, catalogue, loss, spec_of
from piste.losses.values.squared_error import SquaredError

__all__ = [
    "Between",
    "Case",
    "Choice",
    "CrossEntropy",
    "Dice",
    "Loss",
    "LossSpec",
    "SquaredError",
    "Tversky",
    "catalogue",
    "loss",
    "spec_of",
]
