"""The planting of bugs: which ones are planted, and that the suite is really run on them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mutants.plant import mutants
from mutants.trial import LOSSES

SOURCE = '''
"""Prices."""

TINY = 1e-9


def printed(p, alpha):
    return alpha - p


def rooted(part, whole):
    return part / (whole + TINY)


@loss(value_range=(0.0, 1.0), reference=printed)
class Priced(Base):
    """It has 2 prices."""

    def __init__(self, *, alpha: float = 1.0) -> None:
        self.alpha = number("alpha", alpha, "a price", low=0.0)

    def cost(self, tp, fp, fn):
        if tp is None:
            raise ValueError(f"no {1 + 1}")
        return self.alpha * fp.clamp(min=1) + self.beta * fn**2

    def forward(self, x, mask):
        return torch.where(x < 0, self.go(x, mask=mask), -x.detach())
'''

EXPECTED = {
    ("drop eps", "whole + TINY", "whole"),
    ("swap two parameters", "part / (whole + TINY)", "whole / (part + TINY)"),
    ("wrong operation", "part / (whole + TINY)", "(part * (whole + TINY))"),
    ("drop refusal", 'number("alpha", alpha, "a price", low=0.0)', "number('alpha', alpha, 'a price')"),
    ("wrong condition", "tp is None", "not (tp is None)"),
    ("drop refusal", 'raise ValueError(f"no {1 + 1}")', "pass"),
    ("drop eps", "fp.clamp(min=1)", "fp"),
    ("drop exponent", "fn**2", "(fn)"),
    ("off by one", "2", "3"),
    (
        "wrong sign",
        "self.alpha * fp.clamp(min=1) + self.beta * fn**2",
        "((self.alpha * fp.clamp(min=1)) - (self.beta * fn ** 2))",
    ),
    (
        "swap two parameters",
        "self.alpha * fp.clamp(min=1) + self.beta * fn**2",
        "self.beta * fp.clamp(min=1) + self.alpha * fn ** 2",
    ),
    (
        "swap two parameters",
        "self.alpha * fp.clamp(min=1) + self.beta * fn**2",
        "self.alpha * fn.clamp(min=1) + self.beta * fp ** 2",
    ),
    ("off by one", "x < 0", "x <= 0"),
    ("drop mask or weight", "self.go(x, mask=mask)", "self.go(x, mask=None)"),
    ("wrong sign", "-x.detach()", "(x.detach())"),
    ("drop a step", "x.detach()", "x"),
    (
        "wrong condition",
        "torch.where(x < 0, self.go(x, mask=mask), -x.detach())",
        "torch.where(x < 0, -x.detach(), self.go(x, mask=mask))",
    ),
}


def test_the_bugs_are_those_that_losses_have_had() -> None:
    found = {(mutant.kind, mutant.before, mutant.after) for mutant in mutants("priced.py", SOURCE)}
    assert found >= EXPECTED


def test_the_exam_is_left_alone() -> None:
    for mutant in mutants("priced.py", SOURCE):
        assert "return alpha - p\n" in mutant.source
        assert "value_range=(0.0, 1.0)" in mutant.source
        assert 'f"no {1 + 1}"' in mutant.source or mutant.after == "pass"
        assert mutant.source != SOURCE


def test_every_mutant_of_the_losses_has_a_name_of_its_own() -> None:
    for file in sorted(LOSSES.rglob("*.py")):
        keys = [mutant.key for mutant in mutants(file.name, file.read_text("utf-8"))]
        assert len(keys) == len(set(keys))


@pytest.mark.slow
def test_a_planted_bug_is_seen_and_one_that_changes_nothing_is_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mutants", "values/absolute_error", "--dry", "--jobs", "1"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    planted = re.search(r"(\d+) of (\d+) seen \(100.0%\)", done.stdout)
    assert planted, done.stdout
    assert int(planted[1]) == int(planted[2]) >= 1


def test_what_only_changes_places_in_a_sum_or_product_is_no_bug() -> None:
    source = "def f(fp, fn, tp):\n    return ratio(fp + 2 * fn, fp * tp * fn + tp + (fn + fp))\n"
    swaps = [mutant.after for mutant in mutants("f.py", source) if mutant.kind.startswith("swap")]
    assert "ratio(fn + 2 * fp, fn * tp * fp + tp + (fp + fn))" in swaps
    commuting = "def f(fp, fn):\n    return fp + 2 * fn * fp + fn * 2 + fp\n"
    assert [m for m in mutants("f.py", commuting) if m.kind.startswith("swap")]
    symmetric = "def f(fp, fn):\n    return fn * 3 * fp + (fp + fn)\n"
    assert not [m for m in mutants("f.py", symmetric) if m.kind.startswith("swap")]
