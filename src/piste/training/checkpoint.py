"""Checkpoints that survive what interrupts them: written aside, flushed to the disk, then renamed.

`last.pt` holds all that a resume needs, `previous.pt` the one before it, `best.pt` the weights of the best epoch. Each
is one file of tensors and plain values, which `torch.load(weights_only=True)` reads.
"""

from __future__ import annotations

import errno
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch

State = dict[str, Any]


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.last = folder / "last.pt"
        self.previous = folder / "previous.pt"
        self.best = folder / "best.pt"

    def save(self, state: State) -> None:
        """Makes a state the last one, and the last one the previous.

        Raises:
            OSError: it could not be written; the others are as they were.
        """
        aside = _write_aside(self.last, state)
        if self.last.exists():
            os.replace(self.last, self.previous)
        os.replace(aside, self.last)
        _flush(self.last.parent)

    def save_best(self, state: State) -> None:
        """Makes a state the best one.

        Raises:
            OSError: it could not be written; the others are as they were.
        """
        os.replace(_write_aside(self.best, state), self.best)
        _flush(self.best.parent)

    def load(self) -> tuple[State | None, list[str]]:
        """The newest state that is whole, with a warning for each that is not.

        Returns:
            The state, or None where no checkpoint was ever finished, and the warnings.

        Raises:
            ValueError: there are checkpoints and all of them are damaged.
        """
        for aside in self.last.parent.glob("*.tmp"):
            aside.unlink()  # was being written when the process died
        warnings: list[str] = []
        found = [path for path in (self.last, self.previous) if path.exists()]
        for path in found:
            try:
                return read_checkpoint(path), warnings
            except ValueError as error:
                warnings.append(str(error))
        if found:
            raise ValueError(f"{'; '.join(warnings)}; no whole checkpoint is left, so the run must start again")
        return None, warnings


def read_checkpoint(path: Path) -> State:
    """A checkpoint, on the CPU.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is damaged.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                damaged = archive.testzip()  # torch keeps a checksum of each tensor and does not look at it
            if damaged is None:
                file.seek(0)
                state = torch.load(file, map_location="cpu", weights_only=True)
                if isinstance(state, dict):
                    return state
        except Exception as error:  # whatever a damaged archive provokes
            raise ValueError(f"checkpoint {path} is damaged ({type(error).__name__})") from error
    raise ValueError(f"checkpoint {path} is damaged")


def _write_aside(path: Path, state: State) -> Path:
    """Writes a state to a file beside its place and waits until the disk has it."""
    aside = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(aside, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # torch's writer turns a failed write into a RuntimeError
        aside.unlink(missing_ok=True)
        number, reason = _cause(error)
        raise OSError(
            number, f"checkpoint {path} could not be written: {reason}; the last good one stands: make room and resume"
        ) from error
    return aside


def _cause(error: BaseException) -> tuple[int, str]:
    """The operating system's reason behind an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            return cause.errno, os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return errno.EIO, str(error).partition("\n")[0]


def _flush(folder: Path) -> None:
    """Waits until the disk has the names in a folder."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
