"""The contract: what every loss promises, as functions that try it and say in words what broke."""

from piste.losses.contract import answers, manners, numbers, refusals, weights
from piste.losses.contract.findings import Finding, run_contract
from piste.losses.contract.promise import PROMISES, Promise, Setting, settings
from piste.losses.contract.subject import load_subject

__all__ = [
    "PROMISES",
    "Finding",
    "Promise",
    "Setting",
    "answers",
    "load_subject",
    "manners",
    "numbers",
    "refusals",
    "run_contract",
    "settings",
    "weights",
]
