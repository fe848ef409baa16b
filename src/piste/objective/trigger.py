"""Trigger: the condition on a validation metric that ends a phase."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
)

_FORM = re.compile(
    r"\s*(?P<metric>[^<>=!]*[^<>=!\s])\s*(?P<op>[<>=!~]+)\s*(?P<number>\S+)"
    r"(?:\s+for\s+(?P<epochs>\S+)\s+epochs?)?\s*"
)


@final
@dataclass(frozen=True)
class Trigger:
    """A condition on a validation metric, such as `recall >= 0.9 for 2 epochs`.

    A metric that is not a number never fulfils it, and breaks a row of epochs that did.

    Args:
        metric: Name of the metric.
        op: One of >=, <=, >, <.
        number: What the metric is compared with; finite.
        epochs: In how many epochs in a row the comparison must hold; >= 1.
    """

    metric: str
    op: str
    number: float
    epochs: int = 1

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            raise ValueError(f"`until` compares with one of {', '.join(OPERATORS)}; got {self.op!r}.")
        if not math.isfinite(self.number):
            raise ValueError(f"`until` compares with a finite number; got {self.number}.")
        if self.epochs < 1:
            raise ValueError(f"`until` must hold for 1 epoch or more; got {self.epochs}.")

    @classmethod
    def parse(cls, text: str) -> "Trigger":
        """Read `metric op number [for k epochs]`.

        Raises:
            ValueError: The text has another form.

        Example:
            >>> Trigger.parse("recall/lake >= 0.9 for 2 epochs")
            Trigger(metric='recall/lake', op='>=', number=0.9, epochs=2)
        """
        form = f'`until` reads "metric op number [for k epochs]", such as "recall >= 0.9 for 2 epochs"; got {text!r}'
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"{form}.")
        if found["op"] not in OPERATORS:
            raise ValueError(f"{form}: the operators are {', '.join(OPERATORS)}.")
        try:
            number = float(found["number"])
        except ValueError:
            raise ValueError(f"{form}: {found['number']!r} is not a number.") from None
        if found["epochs"] is not None and not found["epochs"].isdecimal():
            raise ValueError(f"{form}: {found['epochs']!r} is not a whole number of epochs.")
        return cls(found["metric"], found["op"], number, int(found["epochs"] or 1))

    def holds(self, value: float) -> bool:
        """Whether the metric's value fulfils the comparison."""
        return OPERATORS[self.op](value, self.number)

    def reason(self, value: float) -> str:
        """The fulfilled comparison in words, with as many digits of the value as it takes to see that it holds.

        Example:
            >>> Trigger("recall", ">=", 0.9).reason(0.91342)
            'recall 0.913 >= 0.9'
        """
        digits = (f"{value:.{precision}g}" for precision in range(3, 18))
        shown = next((text for text in digits if self.holds(float(text)) == self.holds(value)), repr(value))
        return f"{self.metric} {shown} {self._rest()}"

    def _rest(self) -> str:
        row = f" for {self.epochs} epochs" if self.epochs > 1 else ""
        return f"{self.op} {self.number:.12g}{row}"

    def __str__(self) -> str:
        return f"{self.metric} {self._rest()}"
