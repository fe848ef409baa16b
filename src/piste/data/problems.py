"""What is wrong with a data set: a file, and one sentence with the cure."""

from dataclasses import dataclass
from pathlib import Path
from typing import final


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        path: the file or folder that is to be mended.
        message: what is wrong with it and what to do, in one line.
    """

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@final
class DataError(ValueError):
    """Data that can't be used. Its text is one line: the first problem, and how many more there are.

    Args:
        problems: all that was found. A DataLoader's worker hands its error over as the text of a traceback; that text
            is taken too, and cut down to its last line.
    """

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(problem for problem in problems if isinstance(problem, Problem))
        text = str(problems[0]).strip().splitlines()[-1].removeprefix(f"{__name__}.DataError: ")
        if len(problems) > 1:
            text += f" ({len(problems) - 1} more; `piste data check` lists them all)"
        super().__init__(text)
