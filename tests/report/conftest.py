"""Runs for the report to show, made once for all of its tests."""

from pathlib import Path

import pytest

from tests.report.example import PLAIN, make_run
from tests.report.other_tasks import make_digits, make_sharpened


@pytest.fixture(scope="session")
def cycle(tmp_path_factory) -> Path:
    """A finished run of two losses in turn."""
    return make_run(tmp_path_factory.mktemp("runs") / "cycle")


@pytest.fixture(scope="session")
def plain(tmp_path_factory) -> Path:
    """A finished run of one loss without weights."""
    return make_run(tmp_path_factory.mktemp("runs") / "plain", stages=PLAIN, weight=None, seed=1)


@pytest.fixture(scope="session")
def killed(tmp_path_factory) -> Path:
    """A run that was killed in its second phase, and so has no summary."""
    return make_run(tmp_path_factory.mktemp("runs") / "killed", until=5, ending=None)


@pytest.fixture(scope="session")
def failed(tmp_path_factory) -> Path:
    """A run that a loss stopped which was not finite."""
    return make_run(tmp_path_factory.mktemp("runs") / "failed", until=2, ending="failed")


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A finished run of classification."""
    return make_digits(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="session")
def going(tmp_path_factory) -> Path:
    """A run of classification that hasn't ended."""
    return make_digits(tmp_path_factory.mktemp("runs") / "going", epochs=2, ending=None)


@pytest.fixture(scope="session")
def sharp(tmp_path_factory) -> Path:
    """A finished run of restoration, without a test split."""
    return make_sharpened(tmp_path_factory.mktemp("runs") / "sharp")


@pytest.fixture(scope="session")
def duller(tmp_path_factory) -> Path:
    """Another, whose pictures are less sharp."""
    return make_sharpened(tmp_path_factory.mktemp("runs") / "duller", strength=0.05)
