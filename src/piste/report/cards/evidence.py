"""What was measured of each loss: written by `benchmarks/evidence.py`, shipped with the package, read by the cards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Evidence:
    """What was measured of one loss.

    Args:
        reference_error: The largest relative error against its reference over the contract's examples in float64;
            None where no reference applies.
        witnesses: The largest relative error against each independent implementation.
        finite: Whether value and gradient were finite, by dtype and by size of the scores.
        compiles: Whether `torch.compile(fullgraph=True)` takes it whole.
        cost: Time of forward and backward, as a multiple of what `against` takes in the same run.
        against: What the time is compared with.
    """

    reference_error: float | None
    witnesses: Mapping[str, float]
    finite: Mapping[str, Mapping[str, bool]]
    compiles: bool
    cost: float
    against: str

    @property
    def is_always_finite(self) -> bool:
        """Whether nothing overflowed, whatever the dtype and the size."""
        return all(all(sizes.values()) for sizes in self.finite.values())


@dataclass(frozen=True)
class Book:
    """All evidence, and where it comes from.

    Args:
        losses: The evidence of each loss by name.
        made: What it was measured with: date, torch, python, processor, cores.
    """

    losses: Mapping[str, Evidence]
    made: Mapping[str, str]


@cache
def book() -> Book:
    """The evidence that is shipped; empty where there is none."""
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"losses": {}, "made": {}}
    return Book({name: Evidence(**found) for name, found in kept["losses"].items()}, kept["made"])


def evidence_of(name: str) -> Evidence | None:
    """The evidence of one loss; None if it was not measured yet."""
    return book().losses.get(name)


def words_of_error(error: float) -> str:
    """A relative error with one digit: more say nothing.

    >>> words_of_error(3.21e-12), words_of_error(0.0)
    ('3e-12', 'none')
    """
    mantissa, _, power = f"{error:.0e}".partition("e")
    return f"{mantissa}e{int(power)}" if error else "none"
