"""Objectives: losses over time, summed, ramped, switched and cycled while training runs."""

from piste.objective.cycle import Cycle
from piste.objective.objective import Change, Objective, Sequence
from piste.objective.phase import Phase, PhaseState
from piste.objective.ramp import Ramp
from piste.objective.relative_weighting import RelativeWeighting
from piste.objective.sum import Sum
from piste.objective.terms import TermValue
from piste.objective.trigger import Trigger
from piste.objective.uncertainty_weighting import UncertaintyWeighting
from piste.objective.vary import vary
from piste.objective.watch import Watch

__all__ = [
    "Change",
    "Cycle",
    "Objective",
    "Phase",
    "PhaseState",
    "Ramp",
    "RelativeWeighting",
    "Sequence",
    "Sum",
    "TermValue",
    "Trigger",
    "UncertaintyWeighting",
    "Watch",
    "vary",
]
