"""The event log of a run: append-only, one JSON object a line, numbered, readable while it grows.

A run that is resumed replays the steps since its last checkpoint. Replay is exact, so what it would write
stands in the file already: events whose number is there are not written again.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

Event = dict[str, Any]
Sink = Callable[[Event], None]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def read_events(path: Path | str, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a byte offset on, and the offset at which to go on reading.

    A last line without its newline is still being written, or was cut by a kill: it is left for the next
    call.

    Args:
        path: an `events.jsonl`; one that does not exist yet has no events.
        offset: 0, or what the last call returned.

    Returns:
        The events in file order, and the offset after the last whole line.

    Raises:
        ValueError: a whole line is not a JSON object.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    events = []
    at = offset
    for line in whole.splitlines(keepends=True):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise ValueError(f"{path}: the line at byte {at} is not a JSON object; the log is damaged there")
        events.append(event)
        at += len(line)
    return events, at


class EventLog:
    """Writes a run's events; one process at a time.

    Args:
        path: the file; made if it is not there.
        next_number: the number of the next event: 0 for a new run, else what the checkpoint kept. Events
            that the file holds from there on are recognised when the replay reaches them.
        sinks: called with each event after it is written; a replayed one carries `replayed: True`.

    Raises:
        BlockingIOError: another process is writing this log.
        ValueError: the file is damaged before its last line.
    """

    def __init__(self, path: Path | str, *, next_number: int = 0, sinks: tuple[Sink, ...] = ()) -> None:
        self.path = Path(path)
        self.next_number = next_number
        self.sinks = sinks
        self._lock = _lock(self.path)
        events, self._end = read_events(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._file, self._end)  # half a last line belongs to a step that is replayed
        numbered = {event["n"]: event["kind"] for event in events if event.get("n") is not None}
        self._recorded = {n: kind for n, kind in numbered.items() if n >= next_number}
        missing = next_number - 1 - max(numbered, default=-1)
        if missing > 0:
            self.note("warning", text=f"the log lacks the last {missing} events before the checkpoint")

    def write(self, kind: str, **fields: Any) -> None:
        """Appends a numbered event, unless the file has it from before a resume.

        Args:
            kind: what happened.
            fields: JSON values; a number that is not finite becomes null.

        Raises:
            OSError: the line could not be written; the file ends with its last whole line.
        """
        number = self.next_number
        self.next_number += 1
        event: Event = {"n": number, "kind": kind, "time": time.time(), **fields}
        recorded = self._recorded.pop(number, None)
        if recorded is None:
            self._append(event)
        else:
            event["replayed"] = True
            if recorded != kind:
                self.note("warning", text=f"the replay made event {number} a {kind}; the log has {recorded}")
        for sink in self.sinks:
            sink(event)

    def note(self, kind: str, **fields: Any) -> None:
        """Appends an event without a number: what happened to the process, not in the training."""
        event: Event = {"n": None, "kind": kind, "time": time.time(), **fields}
        self._append(event)
        for sink in self.sinks:
            sink(event)

    def sync(self) -> None:
        """Waits until the disk has all that was written."""
        os.fsync(self._file)

    def close(self) -> None:
        """Closes the file and lets others write it."""
        os.close(self._file)
        os.close(self._lock)

    def _append(self, event: Event) -> None:
        try:
            text = _encode(event)
        except ValueError:
            text = _encode(_finite(event))
        line = text.encode() + b"\n"
        try:
            written = os.write(self._file, line)
            if written < len(line):  # the disk is full: the rest gives the reason
                written += os.write(self._file, line[written:])
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file, self._end)
            reason = f"{self.path} could not be written: {error.strerror}; make room and resume the run"
            raise OSError(error.errno, reason) from error
        self._end += len(line)


class MuteLog:
    """The log of a process beside the main one, which writes for all.

    Args:
        next_number: as in `EventLog`.
    """

    def __init__(self, next_number: int = 0) -> None:
        self.next_number = next_number

    def write(self, kind: str, **fields: Any) -> None:
        """Counts an event that another process writes."""
        self.next_number += 1

    def note(self, kind: str, **fields: Any) -> None:
        """Leaves it to another process."""

    def sync(self) -> None:
        """Leaves it to another process."""

    def close(self) -> None:
        """Leaves it to another process."""


Log = EventLog | MuteLog


def _lock(path: Path) -> int:
    """Holds the file beside the log that says who writes; the kernel lets go of it when the process ends.

    A POSIX lock is not inherited by the workers of a data loader, which outlive a killed parent by seconds.
    It is lost when the process closes any handle on its file, so that file is not the log itself.
    """
    file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    if sys.platform != "win32":
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            reason = f"{path} is being written by another process; wait until it ends, or stop it"
            raise BlockingIOError(errno.EAGAIN, reason) from error
    return file


def _finite(value: Any) -> Any:
    """The same JSON value with null for each number that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
