import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from piste.training.events import Event, EventLog, read_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def written(path: Path, count: int) -> bytes:
    log = EventLog(path)
    for step in range(count):
        log.write("step", step=step)
    log.close()
    return path.read_bytes()


def numbers(path: Path) -> list[int | None]:
    return [event["n"] for event in read_events(path)[0]]


def test_a_log_reads_back_as_it_was_written(path: Path) -> None:
    log = EventLog(path)
    log.write("start", epochs=3)
    log.write("step", step=1, loss=0.25, terms={"dice": {"raw": 0.5}})
    log.note("resume", epoch=1)
    log.close()
    events, offset = read_events(path)
    assert [(event["n"], event["kind"]) for event in events] == [(0, "start"), (1, "step"), (None, "resume")]
    assert events[1]["terms"] == {"dice": {"raw": 0.5}}
    assert offset == path.stat().st_size


def test_a_reader_follows_by_offset(path: Path) -> None:
    log = EventLog(path)
    log.write("start")
    first, offset = read_events(path)
    assert [event["n"] for event in first] == [0]
    assert read_events(path, offset) == ([], offset)
    log.write("step")
    second, _ = read_events(path, offset)
    assert [event["n"] for event in second] == [1]
    log.close()


def test_a_reader_leaves_half_a_last_line_for_the_next_call(path: Path) -> None:
    whole = written(path, 2)
    path.write_bytes(whole + b'{"n":2,"ki')
    events, offset = read_events(path)
    assert [event["n"] for event in events] == [0, 1]
    assert offset == len(whole)
    path.write_bytes(whole + b'{"n":2,"kind":"step"}\n')
    assert read_events(path, offset)[0] == [{"n": 2, "kind": "step"}]


def test_a_file_that_is_not_there_yet_has_no_events(path: Path) -> None:
    assert read_events(path) == ([], 0)


def test_damage_before_the_last_line_is_located(path: Path) -> None:
    whole = written(path, 1)
    path.write_bytes(whole + b"garbage\n" + whole)
    with pytest.raises(ValueError, match=rf"byte {len(whole)} is not a JSON object"):
        read_events(path)
    with pytest.raises(ValueError, match="is not a JSON object"):
        EventLog(path)


def test_each_point_is_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    write = os.write

    def spy(file: int, data: bytes) -> int:
        calls.append(data)
        return write(file, data)

    monkeypatch.setattr(os, "write", spy)
    log = EventLog(path)
    log.write("step", loss=0.5)
    log.close()
    assert len(calls) == 1
    assert calls[0].endswith(b"}\n")


def test_what_json_cannot_hold_becomes_null(path: Path) -> None:
    log = EventLog(path)
    log.write("epoch", metrics={"iou": float("nan"), "f1": 0.5}, curve=[1.0, float("inf")])
    log.close()
    line = path.read_text()
    assert json.loads(line, parse_constant=pytest.fail)["metrics"] == {"iou": None, "f1": 0.5}
    assert json.loads(line)["curve"] == [1.0, None]


def test_a_resumed_log_does_not_repeat_what_it_holds(path: Path) -> None:
    before = written(path, 5)
    seen: list[Event] = []
    log = EventLog(path, next_number=2, sinks=(seen.append,))
    for step in range(2, 7):
        log.write("step", step=step)
    log.close()
    assert path.read_bytes().startswith(before)
    assert numbers(path) == [0, 1, 2, 3, 4, 5, 6]
    assert [event.get("replayed", False) for event in seen] == [True, True, True, False, False]


def test_a_resumed_log_cuts_off_half_a_last_line(path: Path) -> None:
    before = written(path, 3)
    path.write_bytes(before[:-5])
    log = EventLog(path, next_number=1)
    log.write("step", step=1)
    log.write("step", step=2)
    log.close()
    assert numbers(path) == [0, 1, 2]
    assert path.read_bytes().startswith(before[: before.rfind(b"\n", 0, -1) + 1])


def test_a_replay_that_differs_is_told(path: Path) -> None:
    written(path, 2)
    log = EventLog(path, next_number=1)
    log.write("epoch")
    log.close()
    assert read_events(path)[0][-1]["text"] == "the replay made event 1 a epoch; the log has step"


def test_events_lost_before_the_checkpoint_are_told(path: Path) -> None:
    written(path, 2)
    EventLog(path, next_number=5).close()
    last = read_events(path)[0][-1]
    assert (last["n"], last["text"]) == (None, "the log lacks the last 3 events before the checkpoint")


def test_a_full_disk_is_one_clear_error_and_leaves_whole_lines(path: Path) -> None:
    """A limit on the file's size stands in for the disk: the kernel cuts the write short in the same way."""
    script = (
        "import resource, sys\n"
        "from piste.training.events import EventLog\n"
        "log = EventLog(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "try:\n"
        "    while True: log.write('step', loss=0.5)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert f"{path} could not be written: File too large; make room and resume the run" in line
    assert path.read_bytes().endswith(b"}\n")
    events, offset = read_events(path)
    assert offset == path.stat().st_size
    assert [event["n"] for event in events] == list(range(len(events)))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file system of its own")
def test_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        log = EventLog(disk / "events.jsonl")

        def fill() -> None:
            while True:
                log.write("step", loss=0.5)

        with pytest.raises(OSError, match="No space left on device; make room and resume the run"):
            fill()
        log.close()
        assert (disk / "events.jsonl").read_bytes().endswith(b"}\n")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_two_processes_do_not_write_one_log(path: Path) -> None:
    log = EventLog(path)
    script = "import sys; from piste.training.events import EventLog; EventLog(sys.argv[1])"
    other = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert "is being written by another process" in other.stderr.splitlines()[-1]
    log.close()
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
