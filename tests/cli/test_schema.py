"""`piste schema`: what editors are given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from piste.cli.app import app


def test_it_is_printed_or_written(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["schema", "--task", "segmentation"])
    written = CliRunner().invoke(app, ["schema", "--task", "segmentation", "--out", str(tmp_path / "piste.json")])
    assert printed.exit_code == written.exit_code == 0
    assert json.loads(printed.stdout) == json.loads((tmp_path / "piste.json").read_text("utf-8"))


def test_a_task_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no task is called 'segmentaton'; nearest: segmentation"):
        CliRunner().invoke(app, ["schema", "--task", "segmentaton"], catch_exceptions=False)
