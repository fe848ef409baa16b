"""Cycle: phases that take turns."""

from typing import Any, final

from piste.objective.objective import Objective


@final
class Cycle(Objective):
    """Phases that follow each other and start over, a number of times.

    Args:
        *stages: As in `Objective`.
        times: How many rounds; >= 1.

    Example:
        >>> from piste.losses import CrossEntropy, Dice
        >>> from piste.objective import Phase
        >>> objective = Cycle(Phase(CrossEntropy(), epochs=1), Phase(Dice(), epochs=1), times=2)
        >>> for epoch in range(4):
        ...     print(objective.phase.name, [change.to for change in objective.end_epoch()], objective.finished)
        cross_entropy ['dice'] False
        dice ['cross_entropy'] False
        cross_entropy ['dice'] False
        dice [] True
    """

    def __init__(self, *stages: Any, times: int) -> None:
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise ValueError(f"`times` must be a whole number of rounds >= 1; got {times!r}.")
        super().__init__(*stages * times)
        self.times = times
        self._stages = ", ".join(map(repr, stages))

    def __repr__(self) -> str:
        return f"Cycle({self._stages}, times={self.times})"
