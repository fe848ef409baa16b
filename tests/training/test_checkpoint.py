import errno
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from piste.training.checkpoint import Checkpoints, read_checkpoint


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def names(checkpoints: Checkpoints) -> set[str]:
    return {path.name for path in checkpoints.last.parent.iterdir()}


def test_a_new_run_has_none(checkpoints: Checkpoints) -> None:
    assert checkpoints.load() == (None, [])


def test_the_last_one_becomes_the_previous_one(checkpoints: Checkpoints) -> None:
    for epoch in (1, 2, 3):
        checkpoints.save({"epoch": epoch, "weights": torch.arange(3.0)})
    assert names(checkpoints) == {"last.pt", "previous.pt"}
    state, warnings = checkpoints.load()
    assert state is not None
    assert state["epoch"] == 3
    assert not warnings
    assert read_checkpoint(checkpoints.previous)["epoch"] == 2


def test_the_best_one_stands_alone(checkpoints: Checkpoints) -> None:
    checkpoints.save_best({"epoch": 1})
    checkpoints.save({"epoch": 2})
    assert names(checkpoints) == {"best.pt", "last.pt"}
    assert read_checkpoint(checkpoints.best) == {"epoch": 1}


def test_a_death_between_two_renamings_leaves_the_previous_one(checkpoints: Checkpoints) -> None:
    checkpoints.save({"epoch": 1})
    os.replace(checkpoints.last, checkpoints.previous)
    assert checkpoints.load() == ({"epoch": 1}, [])


def test_what_was_being_written_is_cleared_away(checkpoints: Checkpoints) -> None:
    checkpoints.save({"epoch": 1})
    checkpoints.last.with_suffix(".tmp").write_bytes(b"half")
    checkpoints.load()
    assert names(checkpoints) == {"last.pt"}


def test_a_checkpoint_cannot_run_code(checkpoints: Checkpoints) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    checkpoints.save({"evil": Evil()})
    with pytest.raises(ValueError, match="no whole checkpoint is left"):
        checkpoints.load()


def test_each_flipped_bit_in_a_tensor_is_found(checkpoints: Checkpoints) -> None:
    checkpoints.save({"weights": torch.full((1000,), 3.0)})
    content = bytearray(checkpoints.last.read_bytes())
    content[content.index(torch.full((9,), 3.0).numpy().tobytes()) + 17] ^= 1
    checkpoints.last.write_bytes(content)
    with pytest.raises(ValueError, match=r"last\.pt is damaged"):
        read_checkpoint(checkpoints.last)


def test_a_missing_checkpoint_is_missing_not_damaged(checkpoints: Checkpoints) -> None:
    with pytest.raises(FileNotFoundError):
        read_checkpoint(checkpoints.best)


def assert_refused_and_untouched(checkpoints: Checkpoints, big: Any) -> None:
    for save, path in ((checkpoints.save, checkpoints.last), (checkpoints.save_best, checkpoints.best)):
        with pytest.raises(OSError, match="No space left on device; the last good one stands") as refusal:
            save(big)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert refusal.value.errno == errno.ENOSPC
    assert names(checkpoints) == {"last.pt", "best.pt"}
    assert checkpoints.load() == ({"epoch": 1}, [])
    assert read_checkpoint(checkpoints.best) == {"epoch": 1}


def test_a_full_disk_leaves_the_last_good_ones(checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.save({"epoch": 1})
    checkpoints.save_best({"epoch": 1})

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert_refused_and_untouched(checkpoints, {"epoch": 2})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file system of its own")
def test_a_really_full_disk_leaves_the_last_good_ones(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        checkpoints = Checkpoints(disk)
        checkpoints.save({"epoch": 1})
        checkpoints.save_best({"epoch": 1})
        assert_refused_and_untouched(checkpoints, {"weights": torch.zeros(100_000)})
    finally:
        subprocess.run(["umount", disk], check=True)
