"""The contract: what every loss promises, as functions that try it and say in words what broke."""

from piste.losses.contract.findings import Finding, run_contract
from piste.losses.contract.subject import load_subject

__all__ = ["Finding", "load_subject", "run_contract"]
