import re
import runpy
from pathlib import Path

import pytest
import torch

EXAMPLE = Path(__file__).parents[2] / "examples" / "bare_loop.py"


@pytest.fixture(scope="module")
def printed():
    with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lines.append)
        runpy.run_path(str(EXAMPLE))
    return lines


def test_it_stays_under_thirty_lines():
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 30


def test_weighted_cross_entropy_reaches_the_recall_and_jaccard_takes_over(printed):
    changes = [line for line in printed if "->" in line]
    assert [re.sub(r"0\.\d+ >=", "x >=", line) for line in changes] == [
        "cross_entropy -> jaccard: recall x >= 0.95",
        "jaccard -> cross_entropy: after 4 epochs",
        "cross_entropy -> jaccard: recall x >= 0.95",
    ]


def test_the_cycle_ends_with_more_precision_than_weighted_cross_entropy_had(printed):
    epochs = [re.fullmatch(r"\s*(\w+)  recall (\S+)  precision (\S+)", line) for line in printed if "->" not in line]
    assert epochs[-1][1] == "jaccard"
    assert float(epochs[-1][3]) > 2 * float(epochs[0][3])
    assert float(epochs[-1][2]) > 0.5
